// A packet that holds one of each frame, cut and damaged at every byte: nothing but a clean frame or a clean refusal
// may come of it (under ASan: and no byte behind the packet's end may be read).

#include <memory>
#include <string>
#include <vector>

#include "common/src/wire/frame.h"
#include "common/src/wire/metadata_block.h"
#include "common/src/wire/stream_frame.h"
#include "gtest/gtest.h"
#include "tests/support/hex.h"

namespace udsrpc::wire {
namespace {

using testing::FromHex;

std::vector<std::string> AllFrames() {
  const std::string metadata = FromHex("0100 6b 0100 76  0500 612d62696e 0200 00ff");
  return {
      SerializeFrame(HelloFrame{.version = 1, .min_version = 1, .max_calls = 9, .max_metadata = 8, .max_message = 7}),
      SerializeFrame(GoawayFrame{.reason = 1}, "goodbye"),
      SerializeFrame(PingFrame{.ack = true, .token = 5}),
      SerializeFrame(CallFrame{.call = 1,
                               .method = 1,
                               .half_close = true,
                               .has_message = true,
                               .timeout_us = 5,
                               .path = "/p.S/M",
                               .metadata = metadata},
                     "request"),
      SerializeFrame(CancelFrame{.call = 1, .code = 1}),
      SerializeFrame(
          StatusFrame{.call = 1, .has_message = true, .initial_metadata = metadata, .trailing_metadata = metadata},
          "reply"),
      SerializeFrame(CreditFrame{.call = 1, .bytes = 9}),
      SerializeFrame(MessageFrame{.call = 1, .more = true, .total = 99}, "fragment"),
      SerializeFrame(MessageFrame{.call = 1, .half_close = true}, "message"),
      SerializeFrame(HalfCloseFrame{.call = 1}),
      SerializeFrame(InitialFrame{.call = 1, .metadata = metadata}),
      SerializeFrame(HelloFrame{.version = 1, .min_version = 1, .max_fds = 9}),
      SerializeFrame(CallFrame{.call = 1, .method = 1, .has_message = true, .metadata = metadata, .fds = 2}, "request"),
      SerializeFrame(StatusFrame{.call = 1, .has_message = true, .trailing_metadata = metadata, .fds = 2}, "reply"),
      SerializeFrame(MessageFrame{.call = 1, .more = true, .total = 99, .fds = 2}, "fragment"),
      SerializeFrame(StatusFrame{.call = 1, .refused = true, .code = 3, .status_message = "bad", .details = "d"}),
  };
}

absl::Status ParseTyped(const RawFrame& frame) {
  switch (static_cast<FrameType>(frame.header.type)) {
    case FrameType::kHello:
      return HelloFrame::Parse(frame).status();
    case FrameType::kGoaway:
      return GoawayFrame::Parse(frame).status();
    case FrameType::kPing:
      return PingFrame::Parse(frame).status();
    case FrameType::kCall: {
      const absl::StatusOr<CallFrame> call = CallFrame::Parse(frame);
      Metadata metadata;
      return call.ok() ? ParseMetadata(call->metadata, metadata) : call.status();
    }
    case FrameType::kCancel:
      return CancelFrame::Parse(frame).status();
    case FrameType::kCredit:
      return CreditFrame::Parse(frame).status();
    case FrameType::kMessage:
      return MessageFrame::Parse(frame).status();
    case FrameType::kHalfClose:
      return HalfCloseFrame::Parse(frame).status();
    case FrameType::kInitial: {
      const absl::StatusOr<InitialFrame> initial = InitialFrame::Parse(frame);
      Metadata metadata;
      return initial.ok() ? ParseMetadata(initial->metadata, metadata) : initial.status();
    }
    case FrameType::kStatus: {
      const absl::StatusOr<StatusFrame> status = StatusFrame::Parse(frame);
      if (!status.ok()) return status.status();
      Metadata metadata;
      absl::Status parsed = ParseMetadata(status->initial_metadata, metadata);
      parsed.Update(ParseMetadata(status->trailing_metadata, metadata));
      return parsed;
    }
  }
  return absl::InvalidArgumentError("unknown type");
}

// The number of frames read before the end or the first refusal. The bytes are copied to the heap, exactly as long as
// they are, so that ASan sees any read behind them.
int CountFrames(absl::string_view packet, absl::Status* status) {
  const std::unique_ptr<char[]> exact(new char[packet.size()]);
  packet.copy(exact.get(), packet.size());
  int frames = 0;
  *status = absl::OkStatus();
  for (PacketReader reader(absl::string_view(exact.get(), packet.size())); !reader.done(); ++frames) {
    const absl::StatusOr<RawFrame> frame = reader.Next();
    *status = frame.ok() ? ParseTyped(*frame) : frame.status();
    if (!status->ok()) return frames;
  }
  return frames;
}

TEST(SplitPoints, APacketCutAnywhereGivesTheWholeFramesAndARefusal) {
  const std::vector<std::string> frames = AllFrames();
  std::string packet;
  std::vector<size_t> ends{0};
  for (const std::string& frame : frames) {
    packet += frame;
    ends.push_back(packet.size());
  }
  for (size_t cut = 0; cut <= packet.size(); ++cut) {
    int whole = 0;
    while (static_cast<size_t>(whole) + 1 < ends.size() && ends[whole + 1] <= cut) ++whole;
    absl::Status status;
    EXPECT_EQ(CountFrames(absl::string_view(packet).substr(0, cut), &status), whole) << "cut at " << cut;
    const bool between_frames = ends[whole] == cut;
    EXPECT_EQ(status.ok(), between_frames) << "cut at " << cut << ": " << status;
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(SplitPoints, FramesShareAPacketInAnyGrouping) {
  const std::vector<std::string> frames = AllFrames();
  for (size_t first = 0; first < frames.size(); ++first) {
    std::string packet;
    for (size_t last = first; last < frames.size(); ++last) {
      packet += frames[last];
      absl::Status status;
      EXPECT_EQ(CountFrames(packet, &status), static_cast<int>(last - first + 1));
      EXPECT_TRUE(status.ok()) << status;
    }
  }
}

TEST(SplitPoints, AnyByteOfAnyValueIsParsedOrRefused) {
  for (const std::string& frame : AllFrames()) {
    for (size_t position = 0; position < frame.size(); ++position) {
      std::string damaged = frame;
      for (int value = 0; value < 256; ++value) {
        damaged[position] = static_cast<char>(value);
        absl::Status status;
        EXPECT_LE(CountFrames(damaged, &status), 2);
        EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument) << status;
      }
    }
  }
}

}  // namespace
}  // namespace udsrpc::wire
