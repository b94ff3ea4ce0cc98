#include "demo_model.h"

// #embed is of C23, and clang has it in every C.
#pragma clang diagnostic ignored "-Wc23-extensions"

_Alignas(64) static const unsigned char bytes[] = {
#embed "../PumiceModels/Resources/demo.gguf"
};

const unsigned char *pumice_demo_model_start(void) { return bytes; }

size_t pumice_demo_model_size(void) { return sizeof bytes; }
