/* As in the real one. */
#ifndef STUB_SLURM_VERSION_H
#define STUB_SLURM_VERSION_H

#define SLURM_VERSION_NUM(a, b, c) (((a) << 16) + ((b) << 8) + (c))
#define SLURM_VERSION_NUMBER SLURM_VERSION_NUM(26, 5, 0)

#endif
