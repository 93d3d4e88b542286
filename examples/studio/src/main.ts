import { startStudio } from "./studio.js";

startStudio();
