#include "udsrpc/internal/call_count.h"

#include <cstdint>

#include "client/src/active_call.h"
#include "common/src/probes.h"
#include "common/src/stats/call_counters.h"
#include "common/src/stats/tick_clock.h"

namespace udsrpc::internal {

void CallCount::Begin(const ClientContext& context, CallCounters& counters, absl::string_view path) {
  context_ = &context;
  counters_ = &counters;
  path_ = path;
  counters.OnStart();
  UDSRPC_PROBE2(client_call_start, path.data(), path.size());
}

void CallCount::EndNow(absl::StatusCode code) {
  const ClientContext& context = *std::exchange(context_, nullptr);
  const uint64_t nanoseconds = TickClock::Nanoseconds(ActiveCall::TicksAtStart(context), TickClock::Now());
  counters_->OnEnd(code, nanoseconds, ActiveCall::Sizes(context));
  UDSRPC_PROBE4(client_call_end, path_.data(), path_.size(), static_cast<int>(code), nanoseconds);
}

}  // namespace udsrpc::internal
