#include "tests/support/coroutine_service.h"

#include <filesystem>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "udsrpc/spawn.h"
#include "udsrpc/wait.h"
#include "udsrpc/when.h"

namespace udsrpc::testing {
namespace {

class Alive {
 public:
  explicit Alive(CoroutineService& service) : service_(service) { ++service_.alive; }
  ~Alive() {
    --service_.alive;
    service_.ends.Happen();
  }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;

 private:
  CoroutineService& service_;
};

int Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

}  // namespace

absl::Status CoroutineService::Echo(ServerContext&, const EchoRequest& request, EchoReply& reply) {
  reply.set_text(request.text());
  return absl::OkStatus();
}

Task<absl::Status> CoroutineService::FailAsync(ServerContext&, const FailRequest& request, EchoReply&) {
  co_return absl::Status(static_cast<absl::StatusCode>(request.code()), request.message());
}

Task<absl::Status> CoroutineService::BlockAsync(ServerContext& context, const BlockRequest& request, EchoReply& reply) {
  const Alive here(*this);
  arrivals.Happen();
  absl::string_view gate = request.gate();
  if (gate == "cancelled") {
    co_await Cancelled();
    co_return absl::CancelledError(context.IsCancelled() ? "seen by the handler" : "not cancelled");
  }
  if (gate == "asleep") {
    const bool slept = co_await Sleep(absl::Hours(1));
    co_return slept ? absl::OkStatus() : absl::CancelledError("woken");
  }
  if (absl::ConsumePrefix(&gate, "nested ")) co_return co_await CallOn(context, std::string(gate));
  if (gate == "blocks") release.Await();
  if (gate == "threads") reply.set_text(absl::StrCat(Threads()));
  co_return absl::OkStatus();
}

Task<absl::Status> CoroutineService::CallOn(const ServerContext& context, std::string gate) {
  const std::unique_ptr<ClientContext> nested_context = ClientContext::FromServerContext(context);
  BlockRequest request;
  request.set_gate(gate);
  const absl::StatusOr<EchoReply> reply = co_await nested->Async().Block(*nested_context, request);
  co_return reply.status();
}

Task<absl::Status> CoroutineService::ThrowAsync(ServerContext&, const EchoRequest& request, EchoReply&) {
  co_await Sleep(absl::Milliseconds(1));
  throw std::runtime_error(request.text());
}

Task<absl::Status> CoroutineService::InflateAsync(ServerContext&, const InflateRequest& request, EchoReply& reply) {
  reply.set_text(std::string(request.bytes(), 'x'));
  co_return absl::OkStatus();
}

Task<absl::Status> CoroutineService::CountAsync(ServerContext&, const InflateRequest& request,
                                                AsyncServerWriter<EchoReply> writer) {
  const Alive here(*this);
  arrivals.Happen();
  EchoReply reply;
  reply.set_text(std::string(request.bytes(), 'x'));
  for (uint64_t i = 0; i < request.messages(); ++i) {
    if (!co_await writer.Write(reply)) co_return absl::CancelledError("seen by the handler");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CoroutineService::CollectAsync(ServerContext&, AsyncServerReader<EchoRequest> reader,
                                                  CollectReply& reply) {
  while (const std::optional<EchoRequest> request = co_await reader.Read()) {
    reply.set_messages(reply.messages() + 1);
    reply.set_bytes(reply.bytes() + request->text().size());
  }
  co_return absl::OkStatus();
}

// Gives the read up again and again, and takes it up. What comes at such a moment is in `request`, though the task is
// not wanted any more.
Task<> CoroutineService::ReadInto(AsyncServerReaderWriter<EchoReply, EchoRequest> stream,
                                  std::optional<EchoRequest>& request) {
  request = co_await stream.Read();
}

Task<> CoroutineService::Moment() { co_await Sleep(absl::Microseconds(50)); }

Task<std::optional<EchoRequest>> CoroutineService::ReadPatiently(
    AsyncServerReaderWriter<EchoReply, EchoRequest> stream) {
  std::optional<EchoRequest> request;
  for (;;) {
    std::vector<Task<>> both;
    both.push_back(ReadInto(stream, request));
    both.push_back(Moment());
    const size_t first = co_await WhenAny(std::move(both));
    if (request || first == 0) co_return request;
  }
}

Task<absl::Status> CoroutineService::ChatAsync(ServerContext&, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) {
  const Alive here(*this);
  arrivals.Happen();
  for (bool patiently = false;; patiently = !patiently) {
    std::optional<EchoRequest> request;
    if (patiently) {
      request = co_await ReadPatiently(stream);
    } else {
      request = co_await stream.Read();
    }
    if (!request) break;
    if (request->text() == "abort") co_return absl::AbortedError("as asked");
    EchoReply reply;
    reply.set_text(request->text());
    if (!co_await stream.Write(reply)) break;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> CoroutineService::HoldAsync(ServerContext&, AsyncServerReaderWriter<EchoReply, EchoRequest> stream) {
  Spawn(ReadOn(stream));
  co_return absl::OkStatus();
}

Task<> CoroutineService::ReadOn(AsyncServerReaderWriter<EchoReply, EchoRequest> stream) {
  while (co_await stream.Read()) ++read_too_late;
  EchoReply reply;
  if (co_await stream.Write(reply)) ++written_too_late;
  left_behind.Happen();
}

}  // namespace udsrpc::testing
