// What it costs a channel to count a call: to find its method, and to count its start, its sizes and its end, the clock
// included. The context is the call's own, and made in either case: what it costs is to be taken off.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "client/src/active_call.h"
#include "client/src/method_counters.h"
#include "common/src/stats/tick_clock.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/call_count.h"

namespace udsrpc {
namespace {

constexpr char kPath[] = "/helloworld.Greeter/SayHello";

// With as many others as a program may well call.
std::unique_ptr<MethodCounters> CountersOfAProgram() {
  auto counters = std::make_unique<MethodCounters>();
  for (int i = 0; i < 40; ++i) counters->Of(absl::StrCat("/helloworld.Greeter/Say", i).c_str());
  return counters;
}

void FindMethod(benchmark::State& state) {
  const std::unique_ptr<MethodCounters> counters = CountersOfAProgram();
  const char* path = kPath;
  for (auto _ : state) {
    benchmark::DoNotOptimize(path);
    benchmark::DoNotOptimize(&counters->Of(path).counters);
  }
}
BENCHMARK(FindMethod);

// Where its name is at another place each time, as of stubs of gRPC's.
void FindMethodThatMoves(benchmark::State& state) {
  const std::unique_ptr<MethodCounters> counters = CountersOfAProgram();
  std::vector<std::string> paths(1000, kPath);
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(&counters->Of(paths[++i % paths.size()].c_str()).counters);
}
BENCHMARK(FindMethodThatMoves);

// What a call costs that is not counted. Its clock is read all the same, for its timeout: see ActiveCall::Claim.
void ClaimContext(benchmark::State& state) {
  TickClock::Calibrate();
  for (auto _ : state) {
    ClientContext context;
    benchmark::DoNotOptimize(ActiveCall::Claim(context).ok());
  }
}
BENCHMARK(ClaimContext);

// As Channel::UnaryCall does it, by threads that call one method side by side.
void ClaimContextAndCountCall(benchmark::State& state) {
  TickClock::Calibrate();
  static MethodCounters& counters = *CountersOfAProgram().release();
  const char* path = kPath;
  for (auto _ : state) {
    benchmark::DoNotOptimize(path);
    ClientContext context;
    internal::CallCount count;
    if (!ActiveCall::Claim(context).ok()) continue;
    const MethodCounters::Found found = counters.Of(path);
    count.Begin(context, found.counters, found.path);
    ActiveCall::Sizes(context).OnSent(64);
    ActiveCall::Sizes(context).OnReceived(64);
    count.End(absl::StatusCode::kOk);
  }
}
BENCHMARK(ClaimContextAndCountCall)->Threads(1)->Threads(2);

}  // namespace
}  // namespace udsrpc
