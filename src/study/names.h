/* The words of a study, in the order of their enumerators; each list ends with NULL. */
#ifndef EG_STUDY_NAMES_H
#define EG_STUDY_NAMES_H

#include <stddef.h>

extern const char *const eg_dynamics_words[];
extern const char *const eg_sampling_words[];
extern const char *const eg_factor_words[]; /* without EG_FACTOR_DEFAULT: word i is enumerator i + 1 */
extern const char *const eg_scheme_words[]; /* without EG_SCHEME_DEFAULT: word i is enumerator i + 1 */
extern const char *const eg_across_words[]; /* of a group */
extern const char *const eg_over_words[]; /* of weak-error */
extern const char *const eg_schedule_words[];
extern const char *const eg_gradient_noise_words[]; /* without EG_GRADIENT_DEFAULT: word i is enumerator i + 1 */
extern const char *const eg_preconditioner_words[];
extern const char *const eg_momentum_limit_words[];
extern const char *const eg_start_velocity_words[];
extern const char *const eg_noise_words[];
extern const char *const eg_noise_or_common_words[]; /* the same and "common" as the last */
extern const char *const eg_form_words[];
extern const char *const eg_state_words[];
extern const char *const eg_feature_words[];
extern const char *const eg_grid_words[]; /* linear, log */
extern const char *const eg_statistic_words[]; /* word i is the bit 1 << i */
extern const char *const eg_operation_words[]; /* EG_MONITOR_* */
extern const char *const eg_direction_words[]; /* word i is EG_DIRECTION_* i + 1 */
extern const char *const eg_path_words[]; /* eg_path_kind */
extern const char *const eg_side_words[], *const eg_combine_words[];
extern const char *const eg_until_words[];
extern const char *const eg_analysis_words[];

size_t eg_count_words(const char *const *words);

#endif
