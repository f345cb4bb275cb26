// What is between a request's bytes and its handler, and between the handler and a transport.

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "google/protobuf/wrappers.pb.h"
#include "server/src/dispatch.h"
#include "udsrpc/task.h"

namespace udsrpc {
namespace {

using google::protobuf::StringValue;

class EchoService final : public Service {
 public:
  EchoService() : Service("p.Echo") {
    AddMethod(ServerMethod::Unary("/p.Echo/Say", this, &EchoService::Say));
    // What a lookup has to tell apart.
    for (int i = 0; i < 100; ++i) {
      AddMethod(ServerMethod::Unary(absl::StrCat("/p.Echo/Say", i), this, &EchoService::Say));
    }
  }

 private:
  absl::Status Say(ServerContext&, const StringValue& request, StringValue& response) {
    response.set_value(request.value());
    return absl::OkStatus();
  }
};

// A call without a transport, whose reply goes nowhere.
class IdleCall final : public ServerCall, private ServerContext {
 public:
  explicit IdleCall(const std::string& request) : request_(request) {}

  bool ok() const { return ok_; }

  ServerContext& context() override { return *this; }
  Metadata& client_metadata() override { return client_metadata_; }
  bool ParseRequest(google::protobuf::MessageLite& request) override { return request.ParseFromString(request_); }
  ServerStream& stream() override { std::abort(); }
  std::shared_ptr<AsyncServerStream> async_stream() override { std::abort(); }
  void Keep(std::unique_ptr<Handling> /*handling*/) override { std::abort(); }
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) override {
    ok_ = status.ok() && response != nullptr;
  }

 private:
  absl::string_view method() const override { return "/p.Echo/Say"; }
  const Peer& peer() const override { return peer_; }
  bool IsCancelled() const override { return false; }

  const std::string& request_;
  const Peer peer_{};
  bool ok_ = false;
};

struct Served {
  Served() {
    if (!table.Add(service).ok()) std::abort();
  }
  EchoService service;
  MethodTable table;
};

void FindMethod(benchmark::State& state) {
  const Served served;
  for (auto _ : state) benchmark::DoNotOptimize(served.table.Find("/p.Echo/Say42"));
}
BENCHMARK(FindMethod);

// A request of state.range(0) bytes, to the end of its handler.
void DispatchUnary(benchmark::State& state) {
  const Served served;
  const ServerMethod& method = *served.table.Find("/p.Echo/Say");
  StringValue request;
  request.set_value(std::string(static_cast<size_t>(state.range(0)), 'x'));
  const std::string bytes = request.SerializeAsString();
  for (auto _ : state) {
    IdleCall call(bytes);
    Dispatch(served.table, method, call);
    if (!call.ok()) return state.SkipWithError("the call has failed");
  }
}
BENCHMARK(DispatchUnary)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace udsrpc
