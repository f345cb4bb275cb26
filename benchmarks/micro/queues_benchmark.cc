// The queues that every call or message goes through: packets to be sent, streams that wait for credit, deadlines.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "common/src/stream/credit_queue.h"
#include "common/src/timer_queue.h"
#include "common/src/wire/packet_queue.h"
#include "common/src/wire/stream_frame.h"

namespace udsrpc {
namespace {

// state.range(0) frames of 64 bytes go out at a time, in as few packets as hold them.
void QueuePackets(benchmark::State& state) {
  const std::string body(64, 'x');
  wire::PacketQueue queue;
  for (auto _ : state) {
    for (int i = 0; i < state.range(0); ++i) queue.AppendFrame(wire::MessageFrame{.call = 2, .message = body}, body);
    while (!queue.empty()) {
      wire::PacketQueue::Packet packet = queue.Take();
      benchmark::DoNotOptimize(packet.data());
      queue.Recycle(std::move(packet));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(QueuePackets)->Arg(1)->Arg(16)->Arg(256)->Arg(4096);

struct Stream {
  SendCredit credit{wire::kInitialCallCredit};
};

// A small message of a stream that waits for nothing.
void SpendCredit(benchmark::State& state) {
  CreditQueue<Stream> queue;
  Stream stream;
  for (auto _ : state) {
    const size_t spent = queue.Spend(&stream, stream.credit, /*wanted=*/64, /*has_room=*/true);
    benchmark::DoNotOptimize(spent);
    queue.Return(spent);
    stream.credit.Return(spent);
  }
}
BENCHMARK(SpendCredit);

// The same in turns, of state.range(0) streams that always have more to send.
void SpendCreditInTurns(benchmark::State& state) {
  CreditQueue<Stream> queue;
  std::vector<Stream> streams(static_cast<size_t>(state.range(0)));
  for (Stream& stream : streams) queue.Spend(&stream, stream.credit, 64, /*has_room=*/false);
  for (auto _ : state) {
    Stream* const next = queue.Next();
    const size_t spent = queue.Spend(next, next->credit, 64, /*has_room=*/true);
    queue.Return(spent);
    next->credit.Return(spent);
    queue.Spend(next, next->credit, 64, /*has_room=*/false);
  }
}
BENCHMARK(SpendCreditInTurns)->Arg(16)->Arg(256)->Arg(4096);

// A deadline that is not reached, beside state.range(0) others.
void AddAndRemoveTimer(benchmark::State& state) {
  TimerQueue queue;
  const TimerQueue::TimePoint now = Deadline::Clock::now();
  for (int i = 0; i < state.range(0); ++i) queue.Add(now + std::chrono::microseconds(i), [] {});
  int at = 0;
  for (auto _ : state) {
    const TimerQueue::Id id = queue.Add(now + std::chrono::microseconds(at), [] {});
    benchmark::DoNotOptimize(queue.Remove(id));
    at = (at + 7919) % (1 << 14);  // anywhere among them
  }
}
BENCHMARK(AddAndRemoveTimer)->Arg(0)->Arg(256)->Arg(16384);

}  // namespace
}  // namespace udsrpc
