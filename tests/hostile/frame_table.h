#ifndef UDSRPC_TESTS_HOSTILE_FRAME_TABLE_H_
#define UDSRPC_TESTS_HOSTILE_FRAME_TABLE_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/strings/ascii.h"
#include "common/src/wire/frame_header.h"
#include "gtest/gtest.h"

namespace udsrpc::testing {

// A frame, and a letter for each state of the connection that it may come in.
struct FrameRow {
  std::string name;
  std::string frame;
  std::string outcomes;
};

inline void PrintTo(const FrameRow& row, std::ostream* out) { *out << row.name; }

inline std::string FrameRowName(const ::testing::TestParamInfo<FrameRow>& info) {
  std::string name;
  for (const char c : info.param.name) {
    if (absl::ascii_isalnum(c)) name.push_back(c);
  }
  return name;
}

// The frame about another call than its type allows.
inline std::string WithCall(std::string frame, uint32_t call) {
  absl::StatusOr<wire::FrameHeader> header = wire::FrameHeader::Parse(frame);
  EXPECT_TRUE(header.ok()) << header.status();
  header->call = call;
  header->Serialize(frame.data());
  return frame;
}

inline std::string OfType(uint8_t type) {
  std::string frame(wire::FrameHeader::kBytes, '\0');
  wire::FrameHeader{.size = wire::FrameHeader::kBytes, .type = type, .call = 1}.Serialize(frame.data());
  return frame;
}

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_HOSTILE_FRAME_TABLE_H_
