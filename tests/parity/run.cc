#include "tests/parity/run.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace udsrpc::parity {

void Run::Serve(Handler handler) {
  stack_.StartServer([this, handler = std::move(handler)](ServerCall& call) {
    client_.Order();
    TracedHandler traced(call, server_, absl::StrFormat("handler %02d", ++handlers_));
    Outcome outcome = handler(traced);
    client_.Order();
    return outcome;
  });
}

TracedClient Run::Call(const CallOptions& options) {
  client_.Order();
  const std::string track = absl::StrFormat("call %02d", ++calls_);
  std::vector<std::string> refused;
  std::unique_ptr<ClientCall> call = stack_.MakeCall(options, refused);
  for (const std::string& key : refused) client_.Add(track, absl::StrCat("metadata ", key, " refused"));
  return TracedClient(std::move(call), options.kind, client_, track);
}

void Run::Await(const std::string& event, int times) {
  if (!Find(event).Await(times)) ADD_FAILURE() << "'" << event << "' has not happened " << times << " times";
}

udsrpc::testing::Event& Run::Find(const std::string& event) {
  internal::MutexLock lock(mutex_);
  return events_[event];
}

}  // namespace udsrpc::parity
