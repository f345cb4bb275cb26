#include "server/src/dispatch.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/src/call_errors.h"
#include "google/protobuf/arena.h"
#include "server/src/intercepted_call.h"

namespace udsrpc {
namespace {

// "package.Service" of "/package.Service/Method"; empty where `path` has no such shape.
absl::string_view ServiceOf(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/")) return {};
  const size_t slash = path.find('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

// What the one of the method's handlers returns that fits its kind. `request` and `response` are null where that kind
// reads, or writes, a stream.
absl::Status RunHandler(const ServerMethod& method, ServerContext& context, ServerStream& stream,
                        const google::protobuf::MessageLite* request, google::protobuf::MessageLite* response) {
  try {
    switch (method.kind()) {
      case MethodKind::kUnary:
        return method.unary()(context, *request, *response);
      case MethodKind::kServerStreaming:
        return method.server_stream()(context, *request, stream);
      case MethodKind::kClientStreaming:
        return method.client_stream()(context, stream, *response);
      case MethodKind::kBidiStreaming:
        return method.bidi_stream()(context, stream);
    }
  } catch (const std::exception& error) {
    return absl::UnknownError(absl::StrCat(method.path(), ": the handler threw: ", error.what()));
  } catch (...) {
    return absl::UnknownError(absl::StrCat(method.path(), ": the handler threw something that is no std::exception"));
  }
  return absl::InternalError(absl::StrCat(method.path(), ": a method of no kind"));
}

void Run(const ServerMethod& method, ServerCall& call) {
  google::protobuf::Arena arena;
  google::protobuf::MessageLite* request = nullptr;
  google::protobuf::MessageLite* response = nullptr;
  if (ReadsOneRequest(method.kind())) {
    request = method.request_prototype().New(&arena);
    if (!call.ParseRequest(*request)) {
      return call.Finish(MalformedMessageError(method.path(), "the request", *request), nullptr);
    }
  }
  if (WritesOneResponse(method.kind())) response = method.response_prototype().New(&arena);
  const absl::Status status = RunHandler(method, call.context(), call.stream(), request, response);
  call.Finish(status, status.ok() ? response : nullptr);
}

}  // namespace

absl::Status MethodTable::Add(const Service& service) {
  if (!services_.insert(service.name()).second) {
    return absl::AlreadyExistsError(absl::StrCat("service ", service.name(), " is registered twice; register it once"));
  }
  for (const ServerMethod& method : service.methods()) methods_.emplace(method.path(), &method);
  return absl::OkStatus();
}

const ServerMethod* MethodTable::Find(absl::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : found->second;
}

absl::Status MethodTable::NotFound(absl::string_view path) const {
  const absl::string_view service = ServiceOf(path);
  if (services_.contains(service)) {
    return absl::UnimplementedError(
        absl::StrCat(path, ": service ", service, " has no such method; is the server older?"));
  }
  return absl::UnimplementedError(
      absl::StrCat(path, ": this server does not offer the service; is it the right endpoint?"));
}

void Dispatch(const MethodTable& table, const ServerMethod& method, ServerCall& call) {
  if (!table.interceptors().empty()) {
    InterceptedServerCall intercepted(table.interceptors(), method, call);
    if (absl::Status status = intercepted.Start(); !status.ok()) return intercepted.Finish(status, nullptr);
    return Run(method, intercepted);
  }
  Run(method, call);
}

}  // namespace udsrpc
