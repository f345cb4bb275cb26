#ifndef UDSRPC_TESTS_FUZZ_FRAME_STEPS_H_
#define UDSRPC_TESTS_FUZZ_FRAME_STEPS_H_

#include <string>

#include "common/src/wire/frame_header.h"
#include "tests/fuzz/fuzz_input.h"

// Frames that are well-formed, with the fields that the input says: most make sense, and some do not.

namespace udsrpc::fuzz {

// HELLO of a side that accepts some descriptors, and much else.
std::string HelloOf(bool client);

// A frame of that type. Of a type that has no fields here only the header has any.
std::string FrameOf(wire::FrameType type, FuzzInput& input);
// Of a type that nobody knows, of one that has no meaning here, or of just these bytes.
std::string StrangeFrame(FuzzInput& input);

}  // namespace udsrpc::fuzz

#endif  // UDSRPC_TESTS_FUZZ_FRAME_STEPS_H_
