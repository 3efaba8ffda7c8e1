/*
 * What a study may name under `dynamics`: enumerators, words, and what `ensgrad help dynamics` says about them, once. The keys
 * that a dynamics takes stand in schema.c, the models that have it in the catalogue. New rows go to the end.
 */
#ifndef EG_STUDY_DYNAMICS_LIST_H
#define EG_STUDY_DYNAMICS_LIST_H

/* X(enumerator, word, is_chain, equation, order, source). In the equations g_B is the mean gradient of B samples, Sigma(x)
   the covariance of the gradient of one, eta the learning rate; orders are weak ones. */
#define EG_DYNAMICS_LIST(X)                                                                                  \
  X(SGD, "sgd", true,                                                                                        \
    "x' = x - eta g_B(x); with momentum mu: v' = mu v + (1 - dampening) g_B(x), x' = x - eta v'",            \
    "a chain: no error but rounding",                                                                        \
    "Robbins, Monro 1951 (doi 10.1214/aoms/1177729586); momentum: Polyak 1964 (doi 10.1016/0041-5553(64)90137-5), Nesterov 1983 (Soviet Math. Dokl. 27, 372)") \
  X(GRADIENT_FLOW, "gradient-flow", false, "dx/dt = -grad R(x)", "1 in eta against sgd",                     \
    "Li, Tai, E, arXiv 1511.06251; Gess, Kassing, Konarovskyi, arXiv 2302.07125") \
  X(SME1, "sme1", false, "dx = -grad R(x) dt + sqrt(eta/B) Sigma(x)^(1/2) dW",                               \
    "1 in eta against sgd, one point", "Li, Tai, E, arXiv 1511.06251, 1811.01558")                           \
  X(SME2, "sme2", false, "dx = -(grad R + (eta/4) grad |grad R|^2)(x) dt + sqrt(eta/B) Sigma(x)^(1/2) dW",   \
    "2 in eta against sgd, one point; several points: 1", "Li, Tai, E, arXiv 1511.06251, 1811.01558")        \
  X(SDE, "sde", false, "dx = b(x) dt + s(x) dW (Ito), b and s of the model", "that of the scheme",           \
    "the model's")                                                                                           \
  X(SMF1, "smf1", false,                                                                                     \
    "dX(x) = -grad R(X(x)) dt + sqrt(eta/B) int G(X(x), theta) W(dtheta, dt), one W for all points or particles", \
    "1 in eta against sgd", "Gess, Kassing, Konarovskyi, arXiv 2302.07125") \
  X(SMF2, "smf2", false,                                                                                     \
    "the noise of smf1, drift -(grad R + (eta/4) grad |grad R|^2); of a population with the Lions derivative",   \
    "2 in eta against sgd, any number of points", "Gess, Kassing, Konarovskyi, arXiv 2302.07125") \
  X(SVAG, "svag", true,                                                                                      \
    "x' = x - (eta/l)(c+ g_B1(x) + c- g_B2(x)), c+- = (1 +- sqrt(2 l - 1))/2; l iterations are one step",    \
    "1 in eta/l against sme1", "Li, Malladi, Arora, arXiv 2102.12470")                                       \
  X(NOISY_GD, "noisy-gd", true, "x' = x - eta (grad R(x) + Sigma(x)^(1/2) z / sqrt(B)), z ~ N(0, I)",        \
    "2 in eta against sgd, one point: equal first two moments of a step; the same as sgd with gradient_noise gaussian-exact", \
    "arXiv 2102.12470 (noisy gradient descent)") \
  X(ADAM, "adam", true,                                                                                      \
    "m' = beta1 m + (1 - beta1) g, u' = beta2 u + (1 - beta2) g^2, x' = x - eta m^ / (sqrt(u^) + epsilon), ^: corrected", \
    "a chain: no error but rounding; l > 1: 1 in 1/l^2 against its SDE",                                     \
    "Kingma, Ba, arXiv 1412.6980; l: Malladi, Lyu, Panigrahi, Arora, arXiv 2205.10287")                      \
  X(ADAMW, "adamw", true, "adam, and x shrinks by 1 - eta weight_decay first", "as adam",                    \
    "Loshchilov, Hutter, arXiv 1711.05101; l: arXiv 2205.10287")                                             \
  X(RMSPROP, "rmsprop", true, "u' = beta2 u + (1 - beta2) g^2, x' = x - eta g / (sqrt(u') + epsilon); before: u", \
    "as adam", "Tieleman, Hinton 2012 (lecture 6.5); l: arXiv 2205.10287")                                   \
  X(SIGNSGD, "signsgd", true, "sgd with the sign of every component of v' (without momentum: of g_B)",       \
    "a chain: no error but rounding; l > 1: 1 in 1/l^2, to a limit that depends on the shape of the noise", \
    "Bernstein et al., arXiv 1802.04434; l: arXiv 2205.10287") \
  X(RMSPROP_SDE, "rmsprop-sde", false,                                                                       \
    "dx = -eta (sqrt(v) + epsilon)^-1 (grad R ds + Sigma_B^(1/2) dW), dv = (1 - beta2)(diag Sigma_B - v) ds; s in steps", \
    "1 in 1/l^2 against rmsprop, before", "Malladi, Lyu, Panigrahi, Arora, arXiv 2205.10287")                \
  X(ADAM_SDE, "adam-sde", false,                                                                             \
    "dx = -eta m^ / (sqrt(v^) + epsilon) ds, dm = (1 - beta1)((grad R - m) ds + Sigma_B^(1/2) dW), v as in rmsprop-sde", \
    "1 in 1/l^2 against adam", "Malladi, Lyu, Panigrahi, Arora, arXiv 2205.10287")                           \
  X(SIGNSGD_SDE, "signsgd-sde", false,                                                                       \
    "dx = -erf(grad R / sqrt(2 Sigma_B)) dt + sqrt(eta) sqrt(1 - erf^2) dW, every component by itself",      \
    "1 in eta against signsgd with Gaussian noise", "Monzio Compagnoni et al., arXiv 2411.15958")            \
  X(LANGEVIN, "langevin", false,                                                                             \
    "dx = v dt, (eta/2)(1 + mu) dv = -(grad R + lambda x + (1 - mu) v) dt + sqrt(eta/B) Sigma(x)^(1/2) dW, mu = momentum", \
    "2 in eta against sgd with momentum; start_velocity: zero: 1", "Kunin et al., arXiv 2107.09133; BAOAB: arXiv 1203.5428") \
  X(LEVY, "levy", false,                                                                                     \
    "dx = b(x) dt + s(x) dL, E exp(i u L(t)) = exp(-t |u|^tail_index); of a loss b = -grad R, s times (eta/B)^(1 - 1/tail_index)", \
    "that of the scheme", "Simsekli, Sagun, Gurbuzbalaban, arXiv 1901.06053; increments: J. Am. Stat. Assoc. 71, 340 (1976)") \
  X(LOG_TIME, "log-time", false,                                                                             \
    "dx = -grad log L dtau + sqrt(2 (eta/B) H) dW, dtau = L(x) dt, L = R + loss_offset: sme1 of the noise 2 L H / B; times are tau", \
    "1 in the step, for the law in both clocks", "Mori, Ziyin, Liu, Ueda, arXiv 2105.09557")

/* X(enumerator, word, step, order, source): integrators with step h = learning_rate / substeps. */
#define EG_SCHEME_LIST(X)                                                                                    \
  X(EULER_MARUYAMA, "euler-maruyama", "x' = x + b(x) h + s(x) dW",                                           \
    "weak 1, strong 1/2 (additive noise: 1)", "Kloeden, Platen 1992, (10.2.4)")                              \
  X(STRANG, "strang", "drift flow of h/2, noise step s(x) dW, drift flow of h/2",                            \
    "weak 2 for additive noise; for noise of size sqrt(eta): error eta h^2 + eta^2 h", "Strang 1968 (doi 10.1137/0705041)") \
  X(EXACT, "exact", "a draw from the exact law", "no error", "the model's")                                  \
  X(MILSTEIN, "milstein", "euler-maruyama + (1/2) sum (D s_c) s_e (dW_c dW_e - h delta_ce), diagonal or commuting noise", \
    "weak 1, strong 1", "Milstein 1974 (doi 10.1137/1119062); Kloeden, Platen 1992, (10.3.1), (10.3.16)")    \
  X(HEUN, "heun", "mean of two Euler steps, at x and behind the first, with the Stratonovich drift b - sum (D s_c) s_c / 2", \
    "weak 1 (additive noise: 2), strong 1; general noise: strong 1/2", "Ruemelin 1982 (doi 10.1137/0719041)") \
  X(SRK2, "srk2", "stochastic Runge-Kutta RI6, one extra variate for each pair of channels",                 \
    "weak 2; strong 1, general noise 1/2", "Roessler 2009 (doi 10.1137/060673308)")                          \
  X(BAOAB, "baoab", "of langevin: half a push, half a glide, the exact step of friction and noise, glide, push", \
    "weak 2", "Leimkuhler, Matthews, arXiv 1203.5428")

/* X(enumerator, word, meaning): square roots of the noise covariance. One-point laws agree (pair: to order 3 in the step's
   moments), those of several points only for pair, data, nodes and joint-cholesky. */
#define EG_FACTOR_LIST(X)                                                                                    \
  X(PAIR, "pair", "(g_J - g_J') / sqrt(2) of two random samples: the right covariance at every point, not Gaussian") \
  X(DATA, "data", "sum_j sqrt(p_j) G(x, theta_j) z_j: a normal for every data row or channel of the model")  \
  X(CHOLESKY, "cholesky", "lower triangular root of Sigma(x)")                                               \
  X(SYMMETRIC_ROOT, "symmetric-root", "the symmetric root of Sigma(x)")                                      \
  X(CLOSED_FORM, "closed-form", "the root that the model gives in closed form (eg_noise_factor)")            \
  X(NODES, "nodes", "sum_q (g_q - mean g) z_q / sqrt(Q - 1) over Q fresh random samples: right at every point, not Gaussian") \
  X(JOINT, "joint-cholesky", "lower triangular root of the covariance of the gradients at all points together: the law of data")

/* X(enumerator, word, meaning): how the rows of a batch are drawn. */
#define EG_SAMPLING_LIST(X)                                                                                  \
  X(REPLACEMENT, "replacement", "every row independently")                                                   \
  X(WITHOUT_REPLACEMENT, "without-replacement", "a fresh random subset in every step")                       \
  X(SHUFFLE, "shuffle", "rows in a random order, made anew every epoch")                                     \
  X(FIXED_SHUFFLE, "fixed-shuffle", "rows in one random order, the same in all epochs")

#endif
