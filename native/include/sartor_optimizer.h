/* sartor_optimizer.h: gradient clipping and the steps of optimizers. Conventions are in sartor_ops.h. */
#ifndef SARTOR_OPTIMIZER_H
#define SARTOR_OPTIMIZER_H

#include <stdint.h>

/* norm[0] = sqrt(sum_squares); coefficient[0] = min(1, max_norm / (norm + 1e-6)), or 1 where
 * max_norm <= 0 (torch.nn.utils.clip_grad_norm_). */
typedef struct sartor_clip {
  const double *sum_squares;
  float *norm;
  float *coefficient;
  float max_norm;
} sartor_clip;

/* What changes from one optimizer step to the next. */
typedef struct sartor_schedule {
  float learning_rate;
  int32_t step; /* counts from 1 */
} sartor_schedule;

/* Loshchilov and Hutter 2019, in PyTorch's order: decay, moments, bias correction. */
typedef struct sartor_adamw {
  float *parameter;      /* [count] */
  const float *gradient; /* [count] */
  float *m;
  float *v;
  const float *gradient_scale;     /* [1], the clip coefficient; or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float beta1;
  float beta2;
  float epsilon;
  float weight_decay;
} sartor_adamw;

/* AdamW whose moments are kept in 8 bits (Dettmers et al. 2022, "8-bit Optimizers via Block-wise
 * Quantization"). Blocks of 256 elements, the last one shorter; a moment's value is
 * map[code] * absmax[block]. m has the signed dynamic map and v the unsigned one (bitsandbytes'
 * create_dynamic_map, sorted). A code is the nearest value's; halfway, that of the smaller
 * magnitude. The step is sartor_adamw's, taken before moments are rounded. */
typedef struct sartor_adamw_8bit {
  float *parameter;      /* [count] */
  const float *gradient; /* [count] */
  uint8_t *m;            /* [count] */
  uint8_t *v;            /* [count] */
  float *m_absmax;       /* [ceil(count / 256)] */
  float *v_absmax;       /* [ceil(count / 256)] */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float beta1;
  float beta2;
  float epsilon;
  float weight_decay;
} sartor_adamw_8bit;

/* Lion (Chen et al. 2023, algorithm 2): parameter moves by the learning rate against
 * sign(beta1 m + (1 - beta1) g), 0 where that is 0, after the decay; then
 * m = beta2 m + (1 - beta2) g. */
typedef struct sartor_lion {
  float *parameter;      /* [count] */
  const float *gradient; /* [count] */
  float *m;              /* [count] */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float beta1;
  float beta2;
  float weight_decay;
} sartor_lion;

/* Adafactor (Shazeer and Stern 2018, algorithms 4 to 6) as Transformers computes it: means in place
 * of sums, beta2 = 1 - step^decay_rate, squares + epsilon1. A matrix keeps the means of its rows
 * and columns; where row is null, v holds the whole second moment. The update is divided by
 * max(1, rms(update) / clip_threshold); with scale_parameter the learning rate is multiplied with
 * max(epsilon2, rms(parameter)). */
typedef struct sartor_adafactor {
  float *parameter;      /* [rows, columns] */
  const float *gradient; /* [rows, columns] */
  float *row;            /* [rows], or null */
  float *column;         /* [columns]; null where row is */
  float *v;              /* [rows, columns] where row is null, else null */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  int64_t rows;
  int64_t columns;
  float decay_rate; /* below 0 */
  float epsilon1;
  float epsilon2;
  float clip_threshold;
  float weight_decay;
  int32_t scale_parameter;
} sartor_adafactor;

/* How much the newest iterate weighs in schedule-free's average (Defazio et al. 2024, algorithm 1,
 * as its authors' code computes it): highest = max(highest, learning rate),
 * w = step^r highest^weight_lr_power, sum += w, weight = w / sum (0 where sum is 0). */
typedef struct sartor_schedule_free_weight {
  const sartor_schedule *schedule; /* [1] */
  double *state;                   /* [2]: highest, sum */
  float *weight;                   /* [1] */
  float r;
  float weight_lr_power;
} sartor_schedule_free_weight;

/* Schedule-free AdamW (Defazio et al. 2024): y, where gradients are taken, and z, the base
 * iterate. v = beta2 v + (1 - beta2) g^2; u = g / (sqrt(v / (1 - beta2^step)) + epsilon)
 * + weight_decay y; y = y + weight (z - y) + learning rate (beta1 (1 - weight) - 1) u;
 * z = z - learning rate u. The average is x = z + (y - z) / beta1. */
typedef struct sartor_schedule_free_adamw {
  float *y;              /* [count] */
  const float *gradient; /* [count] */
  float *z;              /* [count] */
  float *v;              /* [count] */
  const float *gradient_scale;     /* [1] or null */
  const sartor_schedule *schedule; /* [1] */
  const float *weight;             /* [1], of sartor_schedule_free_weight */
  int64_t count;
  float beta1; /* above 0 */
  float beta2;
  float epsilon;
  float weight_decay;
} sartor_schedule_free_adamw;

/* Muon's momentum (Jordan et al. 2024), as torch.optim.Muon has it: buffer += (1 - momentum)
 * (g - buffer); direction = buffer, or with nesterov g + momentum (buffer - g); then direction is
 * divided by max(its Frobenius norm, epsilon). */
typedef struct sartor_muon_momentum {
  const float *gradient; /* [count] */
  float *buffer;         /* [count] */
  float *direction;      /* [count] */
  const float *gradient_scale; /* [1] or null */
  int64_t count;
  float momentum;
  float epsilon;
  int32_t nesterov;
} sartor_muon_momentum;

/* parameter = parameter (1 - learning rate * weight_decay) - learning rate * ratio * direction. */
typedef struct sartor_muon_update {
  float *parameter;       /* [count] */
  const float *direction; /* [count] */
  const sartor_schedule *schedule; /* [1] */
  int64_t count;
  float ratio;
  float weight_decay;
} sartor_muon_update;

#endif
