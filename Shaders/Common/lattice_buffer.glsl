// The table that a lattice format chooses rows from, one more buffer of a shader that decodes weights. A shader defines
// LATTICE_BINDING before it includes this, and writes LATTICE_ADDRESS after its other addresses. The host binds the table where
// it defines WEIGHT_LATTICE; the 256 values of 8-bit normal floats come the same way. A table in memory, because drivers copy constant arrays into every invocation.
#ifdef WEIGHT_LATTICE
BUFFER(LATTICE_BINDING, readonly, uint, Lattice, lattice)
#define LATTICE_ADDRESS ADDRESS(Lattice, lattice)
#else
#define LATTICE_ADDRESS
#endif
