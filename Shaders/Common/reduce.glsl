// Reductions over one workgroup, whose size is specialization constant 0.
//
// REDUCE_SUBGROUP: the workgroup is exactly one subgroup; no shared memory, no barrier.
// otherwise: a tree in shared memory; the workgroup's size is a power of two of at most REDUCE_THREADS.
// Every invocation of the workgroup must call them, and every one gets the result.

#ifdef REDUCE_SUBGROUP

#extension GL_KHR_shader_subgroup_arithmetic : require
float reduce_add(float value) { return subgroupAdd(value); }
uint reduce_add(uint value) { return subgroupAdd(value); }
float reduce_max(float value) { return subgroupMax(value); }
uint reduce_min(uint value) { return subgroupMin(value); }

#else

shared float reduce_floats[REDUCE_THREADS];
shared uint reduce_uints[REDUCE_THREADS];

#define REDUCE_TREE(array, combined)                                       \
  const uint self = gl_LocalInvocationID.x;                                \
  array[self] = value;                                                     \
  barrier();                                                               \
  for (uint other = gl_WorkGroupSize.x / 2; other > 0; other /= 2) {       \
    if (self < other) array[self] = combined(array[self], array[self + other]); \
    barrier();                                                             \
  }                                                                        \
  value = array[0];                                                        \
  barrier();                                                               \
  return value;

float reduce_sum_of_two(float a, float b) { return a + b; }
uint reduce_sum_of_two(uint a, uint b) { return a + b; }
float reduce_add(float value) { REDUCE_TREE(reduce_floats, reduce_sum_of_two) }
uint reduce_add(uint value) { REDUCE_TREE(reduce_uints, reduce_sum_of_two) }
float reduce_max(float value) { REDUCE_TREE(reduce_floats, max) }
uint reduce_min(uint value) { REDUCE_TREE(reduce_uints, min) }

#endif
