"""The configurations that schedulers.py runs: each option of each class at least once."""

SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
SD_LEADING = {**SD, "timestep_spacing": "leading", "steps_offset": 1}
V = {"prediction_type": "v_prediction"}
ZERO_SNR = {**SD, **V, "rescale_betas_zero_snr": True}
TRAINED = [0.0001 + 0.00002 * i for i in range(1000)]
SPACINGS = [{"timestep_spacing": s} for s in ("leading", "trailing", "linspace")]
SIGMAS = [{f"use_{s}_sigmas": True} for s in ("karras", "exponential", "beta")]


def configs(*parts):
    return [{"config": part} for part in parts]


ddim = [
    *configs(
        {},
        {**SD, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1},
        {**SD, "clip_sample": False, "timestep_spacing": "trailing"},
        {**SD, "clip_sample": False, "timestep_spacing": "linspace", **V},
        {**SD, "clip_sample": True, "clip_sample_range": 0.7, "prediction_type": "sample"},
        {"beta_schedule": "squaredcos_cap_v2", "thresholding": True, "sample_max_value": 1.5},
        {**SD, "thresholding": True, "dynamic_thresholding_ratio": 0.8, "sample_max_value": 3.0},
        {**ZERO_SNR, "timestep_spacing": "trailing", "clip_sample": False},
        {"beta_end": 0.03, "num_train_timesteps": 500, "clip_sample": False},
    ),
    {"config": {**SD, "clip_sample": False}, "step": {"eta": 0.5}, "stochastic": True},
    {
        "config": {**SD, "clip_sample": True, "set_alpha_to_one": False},
        "step": {"eta": 1.0, "use_clipped_model_output": True},
        "stochastic": True,
    },
    {
        "config": {**SD, "clip_sample": True},
        "step": {"use_clipped_model_output": True},
    },
    {
        "config": {**SD, "clip_sample": False, "steps_offset": 1},
        "begin": 4,
        "steps": [10],
    },
]

CHURN = {"s_churn": 3.0, "s_tmin": 0.05, "s_tmax": 10.0, "s_noise": 1.007}

euler = [
    *configs(
        {},
        *[{**SD, **spacing} for spacing in SPACINGS],
        SD_LEADING,
        *[{**SD, **sigmas} for sigmas in SIGMAS],
        {**SD_LEADING, "use_karras_sigmas": True},
        {**SD, "timestep_spacing": "trailing", "use_exponential_sigmas": True},
        {**SD, "use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 11.0},
        {**SD, "use_beta_sigmas": True, "sigma_min": 0.05, "sigma_max": 11.0},
        {**SD, **V, "final_sigmas_type": "sigma_min"},
        {**SD, "prediction_type": "sample", "timestep_spacing": "trailing"},
        {**SD, "interpolation_type": "log_linear"},
        {**SD, **V, "timestep_type": "continuous", "use_karras_sigmas": True,
         "sigma_min": 0.002, "sigma_max": 700.0, "timestep_spacing": "leading", "steps_offset": 1},
        {**ZERO_SNR, "timestep_spacing": "trailing"},
        {**ZERO_SNR, "use_karras_sigmas": True},
        {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing"},
        {"trained_betas": TRAINED, "num_train_timesteps": 1000},
    ),
    *[
        {"config": {**SD, **config}, "step": CHURN, "stochastic": True}
        for config in ({}, V, {"prediction_type": "sample"})
    ],
    {"config": SD, "set_timesteps": {"timesteps": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]}, "steps": [10]},
    {"config": SD, "set_timesteps": {"sigmas": [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.0]}, "steps": [10]},
    {"config": SD_LEADING, "begin": 4, "steps": [10]},
]

euler_ancestral = [
    *[
        {"config": config, "stochastic": True}
        for config in (
            {},
            *[{**SD, **spacing} for spacing in SPACINGS],
            SD_LEADING,
            {**SD, **V},
            {**ZERO_SNR, "timestep_spacing": "trailing"},
            {"beta_schedule": "squaredcos_cap_v2"},
        )
    ],
    {"config": SD_LEADING, "begin": 4, "steps": [10], "stochastic": True},
]

SDE = {"algorithm_type": "sde-dpmsolver++"}

dpm_multistep = [
    *configs(
        {},
        *[{**SD, **spacing} for spacing in SPACINGS],
        SD_LEADING,
        *[{**SD, **sigmas} for sigmas in SIGMAS],
        {**SD, "use_lu_lambdas": True},
        {"beta_schedule": "squaredcos_cap_v2", "use_karras_sigmas": True},
        {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1},
        {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1, "timestep_spacing": "leading"},
        {**SD, "solver_order": 1},
        {**SD, "solver_order": 3},
        {**SD, "solver_order": 3, "use_karras_sigmas": True, "euler_at_final": True},
        {**SD, "solver_type": "heun", **V},
        {**SD, "lower_order_final": False, "final_sigmas_type": "sigma_min"},
        {**SD, "euler_at_final": True, "final_sigmas_type": "sigma_min", "prediction_type": "sample"},
        {**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"},
        {**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun", **V},
        {**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3},
        {**SD, "thresholding": True, "sample_max_value": 1.5},
        {**SD, "thresholding": True, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"},
        {**ZERO_SNR, "timestep_spacing": "trailing"},
        {**SD, "use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0},
    ),
    *[
        {"config": {**SD, **config}, "stochastic": True}
        for config in (
            SDE,
            {**SDE, "solver_type": "heun", "use_karras_sigmas": True},
            {**SDE, "solver_order": 1},
            {**SDE, "solver_order": 3},
            {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"},
            {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun"},
        )
    ],
    {"config": SD, "set_timesteps": {"timesteps": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]}, "steps": [10]},
    {"config": SD_LEADING, "begin": 4, "steps": [10]},
    {
        "config": {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "use_dynamic_shifting": True},
        "dynamic": True,
    },
]

ddim_inverse = configs(
    {},
    {**SD, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1},
    {**SD, "clip_sample": False, "timestep_spacing": "trailing"},
    {**SD, "clip_sample": False, **V},
    {**SD, "clip_sample_range": 0.7, "prediction_type": "sample", "set_alpha_to_one": False},
    {**ZERO_SNR, "clip_sample": False, "steps_offset": 1},
)

ddpm = [
    {"config": config, "stochastic": True}
    for config in (
        {},
        *[{**SD, "clip_sample": False, **spacing} for spacing in SPACINGS],
        {**SD, "clip_sample": False, "steps_offset": 1, **V},
        {"beta_schedule": "sigmoid", "variance_type": "fixed_large"},
        {"beta_schedule": "laplace", "variance_type": "fixed_small_log", "clip_sample_range": 2.0},
        {**SD, "thresholding": True, "sample_max_value": 1.5, "prediction_type": "sample"},
        {**ZERO_SNR, "timestep_spacing": "trailing", "clip_sample": False},
    )
]
ddpm.append({
    "config": {**SD, "clip_sample": False},
    "set_timesteps": {"timesteps": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]},
    "steps": [10],
    "stochastic": True,
})

pndm = configs(
    {},
    *[{**SD, **spacing} for spacing in SPACINGS],
    {**SD, **V, "set_alpha_to_one": True},
    *[{**SD, "skip_prk_steps": True, **spacing} for spacing in SPACINGS],
    {**SD, "skip_prk_steps": True, "steps_offset": 1},
    {**SD, "skip_prk_steps": True, "set_alpha_to_one": True, **V},
)

over_sigma = configs(
    {},
    *[{**SD, **spacing} for spacing in SPACINGS],
    SD_LEADING,
    {**SD, **V},
    *[{**SD, **sigmas} for sigmas in SIGMAS],
    {**SD_LEADING, "use_karras_sigmas": True},
    {**SD, "timestep_spacing": "trailing", "use_exponential_sigmas": True},
    {"beta_schedule": "squaredcos_cap_v2", "use_karras_sigmas": True},
)
LATE = {"config": SD_LEADING, "begin": 4, "steps": [10]}

lms = [
    *over_sigma,
    *configs({**SD, "prediction_type": "sample"}),
    {"config": SD, "step": {"order": 2}},
]

heun = [
    *over_sigma,
    *configs(
        {**SD, "prediction_type": "sample"},
        {**SD, "clip_sample": True, "clip_sample_range": 1.5},
        {"beta_schedule": "exp", "timestep_spacing": "trailing"},
    ),
    {"config": SD, "set_timesteps": {"timesteps": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]}, "steps": [10]},
    LATE,
]

dpm2 = [*over_sigma, LATE]
dpm2_ancestral = [{**case, "stochastic": True} for case in dpm2]


class BrownianPath:
    """Stands in for diffusers' Brownian tree, whose torchsde has noise of its own.

    Each step's path over sigma has two halves, each from one draw of the generator.
    """

    def __init__(self, generator, dims):
        self.draw = lambda: __import__("torch").randn(dims, generator=generator)
        self.first = None

    def __call__(self, sigma, sigma_next):
        if self.first is None:
            self.first, self.middle = self.draw(), sigma_next
            return self.first
        first, middle, self.first = self.first, self.middle, None
        whole = sigma - sigma_next
        return first * ((sigma - middle) / whole) ** 0.5 + self.draw() * ((middle - sigma_next) / whole) ** 0.5


def inject_brownian_path(scheduler, generator, dims):
    scheduler.noise_sampler = BrownianPath(generator, dims)


sde = [
    *[{**case, "prepare": inject_brownian_path} for case in over_sigma],
    {"config": SD, "step": {"s_noise": 1.1}, "prepare": inject_brownian_path},
]

FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}

dpm_singlestep = [
    *configs(
        {},
        {**SD, **V},
        *[{**SD, **sigmas} for sigmas in SIGMAS],
        {"beta_schedule": "squaredcos_cap_v2", "use_karras_sigmas": True},
        {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1},
        {**SD, "solver_order": 1},
        {**SD, "solver_order": 3},
        {**SD, "solver_order": 3, "solver_type": "heun", "prediction_type": "sample"},
        {**SD, "solver_order": 3, "final_sigmas_type": "sigma_min", "lower_order_final": True},
        {**SD, "final_sigmas_type": "sigma_min", "solver_type": "heun"},
        {**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3},
        {**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun", **V},
        {**SD, "thresholding": True, "sample_max_value": 1.5},
        {**SD, **FLOW},
    ),
    *[
        {"config": {**SD, **SDE, **config}, "stochastic": True}
        for config in (
            {},
            {"solver_order": 3},
            {"solver_order": 3, "solver_type": "heun", "use_karras_sigmas": True},
            {"solver_type": "heun"},
        )
    ],
    {"config": SD, "set_timesteps": {"timesteps": [999, 850, 736, 645, 545, 455, 343, 233, 124, 24]}, "steps": [10]},
    {"config": SD, "begin": 4, "steps": [10]},
]

deis = [
    *configs(
        {},
        *[{**SD, **spacing} for spacing in SPACINGS],
        {**SD, **V},
        *[{**SD, **sigmas} for sigmas in SIGMAS],
        {**SD, "solver_order": 1},
        {**SD, "solver_order": 3},
        {**SD, "solver_order": 3, "lower_order_final": False, "prediction_type": "sample"},
        {**SD, "thresholding": True, "sample_max_value": 1.5},
        {**SD, **FLOW},
    ),
    LATE,
]

unipc = [
    *configs(
        {},
        *[{**SD, **spacing} for spacing in SPACINGS],
        SD_LEADING,
        *[{**SD, **sigmas} for sigmas in SIGMAS],
        {**SD, "use_karras_sigmas": True, "final_sigmas_type": "sigma_min"},
        {**SD, "use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 11.0},
        {**SD, "solver_order": 1},
        {**SD, "solver_order": 3, **V},
        {**SD, "solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"},
        {**SD, "solver_type": "bh1", "final_sigmas_type": "sigma_min", "lower_order_final": False},
        {**SD, "predict_x0": False, "final_sigmas_type": "sigma_min"},
        {**SD, "predict_x0": False, "final_sigmas_type": "sigma_min", "solver_order": 3, **V},
        {**SD, "disable_corrector": [0, 2], "prediction_type": "sample"},
        {**SD, "thresholding": True, "sample_max_value": 1.5},
        {**ZERO_SNR, "timestep_spacing": "trailing"},
        {**SD, **FLOW},
        {**SD, **FLOW, "shift_terminal": 0.02, "final_sigmas_type": "sigma_min"},
        {**SD, **FLOW, "use_karras_sigmas": True, "sigma_min": 0.01, "sigma_max": 200.0},
    ),
    {"config": {**SD, **FLOW, "use_dynamic_shifting": True}, "dynamic": True},
    {"config": {**SD, **FLOW, "use_dynamic_shifting": True, "time_shift_type": "linear"}, "dynamic": True},
    {"config": {**SD, **FLOW}, "set_timesteps": {"sigmas": [1.0, 0.8, 0.6, 0.4, 0.2]}, "steps": [5]},
    LATE,
]

sa_solver = [
    {"config": config, "stochastic": True}
    for config in (
        {},
        *[{**SD, **spacing} for spacing in SPACINGS],
        {**SD, **V},
        *[{**SD, **sigmas} for sigmas in SIGMAS],
        {**SD, "predictor_order": 1, "corrector_order": 1},
        {**SD, "predictor_order": 3, "corrector_order": 3},
        {**SD, "predictor_order": 2, "corrector_order": 3, "lower_order_final": False},
        {**SD, "predictor_order": 4, "corrector_order": 4},
        {**SD, "algorithm_type": "noise_prediction"},
        {**SD, "algorithm_type": "noise_prediction", "predictor_order": 3, "corrector_order": 2},
        {**SD, "thresholding": True, "sample_max_value": 1.5, "prediction_type": "sample"},
        {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1},
        {**SD, **FLOW},
    )
]
sa_solver.append({**LATE, "stochastic": True})

ipndm = configs({})

lcm = [
    *[
        {"config": config, "stochastic": True}
        for config in (
            {},
            {**V, "clip_sample": True, "clip_sample_range": 1.2},
            {"original_inference_steps": 100, "timestep_scaling": 5.0},
            {"thresholding": True, "sample_max_value": 1.5, "prediction_type": "sample"},
            {**ZERO_SNR},
        )
    ],
    {"config": {}, "steps": [1, 4], "stochastic": True},
    {"config": {}, "set_timesteps": {"timesteps": [999, 759, 499, 259]}, "steps": [4], "stochastic": True},
]

tcd = [
    *[
        {"config": config, "step": {"eta": eta}, "stochastic": True}
        for config, eta in (
            ({}, 0.3),
            ({}, 0.0),
            (V, 1.0),
            ({"original_inference_steps": 100, "prediction_type": "sample"}, 0.6),
            (ZERO_SNR, 0.3),
        )
    ],
    {"config": {}, "steps": [1, 4], "stochastic": True},
    {"config": {}, "set_timesteps": {"timesteps": [999, 759, 499, 259]}, "steps": [4], "stochastic": True},
]

edm_euler = [
    *configs(
        {},
        V,
        {"sigma_schedule": "exponential"},
        {"final_sigmas_type": "sigma_min", "sigma_max": 60.0, "sigma_min": 0.01, "rho": 5.0, "sigma_data": 1.0},
    ),
    {"config": {}, "step": CHURN, "stochastic": True},
    {"config": V, "step": CHURN, "stochastic": True},
]

edm_dpm = [
    *configs(
        {},
        V,
        {"sigma_schedule": "exponential"},
        {"final_sigmas_type": "sigma_min", "lower_order_final": False, "rho": 5.0, "sigma_data": 1.0},
        {"solver_order": 1},
        {"solver_order": 3, "euler_at_final": True},
        {"solver_type": "heun", "thresholding": True, "sample_max_value": 1.5},
    ),
    {"config": SDE, "stochastic": True},
    {"config": {**SDE, "solver_type": "heun"}, "stochastic": True},
]

DYNAMIC = {"use_dynamic_shifting": True, "base_shift": 0.4, "max_shift": 1.3}

flow_euler = [
    *configs(
        {},
        {"shift": 3.0},
        {"shift": 3.0, "shift_terminal": 0.1},
        *[{"shift": 2.0, **sigmas} for sigmas in SIGMAS],
        {"invert_sigmas": True},
        {"num_train_timesteps": 500},
    ),
    {"config": DYNAMIC, "dynamic": True},
    {"config": {**DYNAMIC, "time_shift_type": "linear", "shift_terminal": 0.02}, "dynamic": True},
    {"config": {"shift": 3.0, "stochastic_sampling": True}, "stochastic": True},
    {"config": {"shift": 3.0}, "set_timesteps": {"sigmas": [1.0, 0.8, 0.6, 0.4, 0.2]}, "steps": [5]},
    {"config": {"shift": 3.0}, "begin": 4, "steps": [10]},
]

flow_heun = [
    *configs({}, {"shift": 3.0}),
    {"config": {"shift": 3.0}, "step": {**CHURN, "s_tmax": 0.8}, "stochastic": True},
    {"config": {"shift": 3.0}, "begin": 4, "steps": [10]},
]

beta_tables = [
    ("DDIMScheduler", {}),
    ("DDIMScheduler", SD),
    ("DDIMScheduler", {"beta_schedule": "squaredcos_cap_v2"}),
    ("DDIMScheduler", {"num_train_timesteps": 501, "beta_end": 0.03}),
    ("DDIMScheduler", {"rescale_betas_zero_snr": True}),
    ("DDIMScheduler", {**SD, "rescale_betas_zero_snr": True}),
    ("DDIMScheduler", {"beta_schedule": "squaredcos_cap_v2", "rescale_betas_zero_snr": True}),
    ("DDIMScheduler", {"trained_betas": TRAINED}),
    ("DDPMScheduler", {"beta_schedule": "sigmoid"}),
    ("DDPMScheduler", {"beta_schedule": "laplace"}),
    ("HeunDiscreteScheduler", {}),
    ("HeunDiscreteScheduler", {"beta_schedule": "exp"}),
    ("LCMScheduler", {}),
    ("TCDScheduler", {}),
    ("KDPM2DiscreteScheduler", {}),
    ("KDPM2AncestralDiscreteScheduler", {}),
    ("DPMSolverMultistepScheduler", {}),
    ("UniPCMultistepScheduler", {}),
]

cases_by_class = {
    "DDIMScheduler": ddim,
    "EulerDiscreteScheduler": euler,
    "EulerAncestralDiscreteScheduler": euler_ancestral,
    "DPMSolverMultistepScheduler": dpm_multistep,
    "DDIMInverseScheduler": ddim_inverse,
    "DDPMScheduler": ddpm,
    "PNDMScheduler": pndm,
    "LMSDiscreteScheduler": lms,
    "HeunDiscreteScheduler": heun,
    "KDPM2DiscreteScheduler": dpm2,
    "KDPM2AncestralDiscreteScheduler": dpm2_ancestral,
    "DPMSolverSDEScheduler": sde,
    "DPMSolverSinglestepScheduler": dpm_singlestep,
    "DEISMultistepScheduler": deis,
    "UniPCMultistepScheduler": unipc,
    "SASolverScheduler": sa_solver,
    "IPNDMScheduler": ipndm,
    "LCMScheduler": lcm,
    "TCDScheduler": tcd,
    "EDMEulerScheduler": edm_euler,
    "EDMDPMSolverMultistepScheduler": edm_dpm,
    "FlowMatchEulerDiscreteScheduler": flow_euler,
    "FlowMatchHeunDiscreteScheduler": flow_heun,
}
