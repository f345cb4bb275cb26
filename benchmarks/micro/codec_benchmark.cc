// What the frames of a call cost to write and to read.

#include <string>

#include "benchmark/benchmark.h"
#include "common/src/wire/frame.h"
#include "common/src/wire/stream_frame.h"

namespace udsrpc::wire {
namespace {

CallFrame Call(absl::string_view body) {
  return {.call = 2, .method = 1, .half_close = true, .has_message = true, .timeout_us = 1'000'000, .message = body};
}

StatusFrame Status(absl::string_view body) { return {.call = 2, .has_message = true, .message = body}; }

MessageFrame Message(absl::string_view body) { return {.call = 2, .message = body}; }

// With a body of state.range(0) bytes, into memory that is there.
template <typename Frame>
void Write(benchmark::State& state, Frame (*make)(absl::string_view)) {
  const std::string body(static_cast<size_t>(state.range(0)), 'x');
  std::string out = SerializeFrame(make(body), body);
  for (auto _ : state) {
    const Frame frame = make(body);
    const FrameHeader header = frame.Header(body.size());
    header.Serialize(out.data());
    frame.SerializeHead(out.data() + FrameHeader::kBytes);
    body.copy(out.data() + FrameHeader::kBytes + header.head_size, body.size());
    benchmark::ClobberMemory();
  }
}

// A packet of state.range(0) frames, with bodies of 64 bytes.
template <typename Frame>
void Read(benchmark::State& state, Frame (*make)(absl::string_view)) {
  const std::string body(64, 'x');
  std::string packet;
  for (int i = 0; i < state.range(0); ++i) packet += SerializeFrame(make(body), body);
  for (auto _ : state) {
    for (PacketReader reader(packet); !reader.done();) {
      const absl::StatusOr<RawFrame> raw = reader.Next();
      if (!raw.ok()) return state.SkipWithError("the packet is malformed");
      const absl::StatusOr<Frame> frame = Frame::Parse(*raw);
      if (!frame.ok()) return state.SkipWithError("the frame is malformed");
      benchmark::DoNotOptimize(frame->message.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK_CAPTURE(Write, call, Call)->Arg(64)->Arg(4096);
BENCHMARK_CAPTURE(Write, status, Status)->Arg(64)->Arg(4096);
BENCHMARK_CAPTURE(Write, message, Message)->Arg(64)->Arg(4096);
BENCHMARK_CAPTURE(Read, call, Call)->Arg(1)->Arg(64);
BENCHMARK_CAPTURE(Read, status, Status)->Arg(1)->Arg(64);
BENCHMARK_CAPTURE(Read, message, Message)->Arg(1)->Arg(64);

}  // namespace
}  // namespace udsrpc::wire
