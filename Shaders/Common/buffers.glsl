// How a shader reaches its buffers: by 64-bit addresses in the push constants or, when the host defines
// PUMICE_DESCRIPTORS, as storage buffers of descriptor set 0. One source works both ways:
//
//   #version 460
//   #include "Common/buffers.glsl"
//   BUFFER(0, readonly, float, Input, x)      // binding, qualifier, element type, name of the type, name
//   BUFFER(1, writeonly, float, Output, y)
//   CONSTANTS(ADDRESS(Input, x) ADDRESS(Output, y) uint count; float scale;)
//   layout(local_size_x_id = 0) in;
//   void main() { uint i = gl_GlobalInvocationID.x; if (i < count) y.v[i] = scale * x.v[i]; }
//
// - The addresses come first, in the order of the bindings; then the constants, each of which ends in a semicolon. There
//   must be no comma between two members: write `uint m; uint n;`. A shader without constants writes
//   ADDRESSES(ADDRESS(Input, x) ADDRESS(Output, y)) instead.
// - The qualifier is readonly, writeonly or readwrite.
// - Elements lie without padding (scalar layout). Slices begin at multiples of 4 bytes; BUFFER_ALIGNED promises the
//   compiler more, for instance 16, which the host's slices must keep.
// - To read one buffer as two element types, bind it twice. Never cast one buffer type to another: a driver crashes.
// - Extensions for 8- and 16-bit types are the shader's to require, before it includes this file.
#ifndef PUMICE_DESCRIPTORS
#extension GL_EXT_buffer_reference : require
#endif
#extension GL_EXT_scalar_block_layout : require

#define readwrite

#ifdef PUMICE_DESCRIPTORS
#define BUFFER_ALIGNED(index, qualifier, type, Type, name, alignment) \
  layout(set = 0, binding = index, scalar) qualifier buffer Type { type v[]; } name;
#define ADDRESS(Type, name)
#define ADDRESSES(members)
#else
#define BUFFER_ALIGNED(index, qualifier, type, Type, name, alignment) \
  layout(buffer_reference, scalar, buffer_reference_align = alignment) qualifier buffer Type { type v[]; };
#define ADDRESS(Type, name) Type name;
#define ADDRESSES(members) layout(push_constant, scalar) uniform PushConstants { members };
#endif

#define BUFFER(index, qualifier, type, Type, name) BUFFER_ALIGNED(index, qualifier, type, Type, name, 4)
#define CONSTANTS(members) layout(push_constant, scalar) uniform PushConstants { members };
