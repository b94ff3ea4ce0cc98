#pragma once

#include <stddef.h>

/// The bytes of the demo model, a GGUF file.
const unsigned char *pumice_demo_model_start(void);
size_t pumice_demo_model_size(void);
