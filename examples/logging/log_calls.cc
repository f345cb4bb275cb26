#include "log_calls.h"

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "trace_context.h"

namespace {

// What both lines say of a call that began at `start`.
std::string Describe(absl::string_view method, const absl::Status& status, absl::Time start,
                     const TraceContext& trace) {
  std::string line = absl::StrCat(method, " ", absl::StatusCodeToString(status.code()), " in ",
                                  absl::ToInt64Microseconds(absl::Now() - start), " us, trace ", trace.trace_id);
  // It may come from somebody else, and is not to look like another line.
  if (!status.ok()) absl::StrAppend(&line, ": ", absl::Utf8SafeCHexEscape(status.message()));
  return line;
}

// README: server_log
class ServedCall final : public udsrpc::ServerInterceptor {
 public:
  ServedCall(const udsrpc::MethodDescriptor& method, LogSink sink) : method_(method.path), sink_(std::move(sink)) {}

  absl::Status OnStart(udsrpc::ServerContext& context, udsrpc::Metadata& client_metadata) override {
    trace_ = TraceContext::Of(client_metadata).value_or(TraceContext::Start());
    trace_.PutInto(client_metadata);  // from where the calls take it that the handler makes
    pid_ = context.peer().pid();
    return absl::OkStatus();
  }
  void OnFinish(udsrpc::ServerContext& /*context*/, const absl::Status& status) override {
    sink_(absl::StrCat("served ", Describe(method_, status, start_, trace_), ", for process ", pid_));
  }

 private:
  const std::string method_;
  const LogSink sink_;
  const absl::Time start_ = absl::Now();
  TraceContext trace_;
  pid_t pid_ = 0;
};
// README: end

class MadeCall final : public udsrpc::ClientInterceptor {
 public:
  MadeCall(const udsrpc::MethodDescriptor& method, LogSink sink) : method_(method.path), sink_(std::move(sink)) {}

  absl::Status OnStart(udsrpc::ClientContext& /*context*/, udsrpc::Metadata& metadata) override {
    const std::optional<TraceContext> inherited = TraceContext::Of(metadata);
    trace_ = inherited.has_value() ? inherited->Child() : TraceContext::Start();
    trace_.PutInto(metadata);
    return absl::OkStatus();
  }
  void OnFinish(const udsrpc::ClientContext& /*context*/, const absl::Status& status) override {
    sink_(absl::StrCat("called ", Describe(method_, status, start_, trace_)));
  }

 private:
  const std::string method_;
  const LogSink sink_;
  const absl::Time start_ = absl::Now();
  TraceContext trace_;
};

}  // namespace

udsrpc::ServerInterceptorFactory LogServedCalls(LogSink sink) {
  return [sink = std::move(sink)](const udsrpc::MethodDescriptor& method) {
    return std::make_unique<ServedCall>(method, sink);
  };
}

udsrpc::ClientInterceptorFactory LogMadeCalls(LogSink sink) {
  return [sink = std::move(sink)](const udsrpc::MethodDescriptor& method) {
    return std::make_unique<MadeCall>(method, sink);
  };
}
