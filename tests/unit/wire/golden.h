#ifndef UDSRPC_TESTS_UNIT_WIRE_GOLDEN_H_
#define UDSRPC_TESTS_UNIT_WIRE_GOLDEN_H_

#include <string>

#include "common/src/wire/frame.h"
#include "gtest/gtest.h"
#include "tests/support/hex.h"

namespace udsrpc::wire {

template <typename Frame>
absl::StatusOr<Frame> ParseFrame(absl::string_view bytes) {
  absl::StatusOr<RawFrame> raw = PacketReader(bytes).Next();
  if (!raw.ok()) return raw.status();
  return Frame::Parse(*raw);
}

// The frame's bytes are those given, and parse to the frame again.
template <typename Frame>
void ExpectGolden(const Frame& frame, absl::string_view body, absl::string_view hex) {
  const std::string golden = testing::FromHex(hex);
  EXPECT_EQ(testing::ToHex(SerializeFrame(frame, body)), testing::ToHex(golden));
  const absl::StatusOr<Frame> parsed = ParseFrame<Frame>(golden);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, frame);
}

template <typename Frame>
void ExpectMalformed(absl::string_view hex, absl::string_view reason) {
  const absl::StatusOr<Frame> parsed = ParseFrame<Frame>(testing::FromHex(hex));
  ASSERT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << parsed.status();
  EXPECT_NE(parsed.status().message().find(reason), absl::string_view::npos) << parsed.status();
}

}  // namespace udsrpc::wire

#endif  // UDSRPC_TESTS_UNIT_WIRE_GOLDEN_H_
