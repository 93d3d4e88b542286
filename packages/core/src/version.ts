/** The version of @underpaint/core, as recipes record it. */
export const version = "0.1.0";
