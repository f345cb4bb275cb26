#include "server/src/handler_run.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/src/call_errors.h"

namespace udsrpc {
namespace {

// Of the calling thread, between its calls.
thread_local std::unique_ptr<HandlerRun> spare_run;

}  // namespace

void HandlerRun::Begin(const MethodTable& table, const ServerMethod& method, ServerCall& call) {
  std::unique_ptr<HandlerRun> run = std::move(spare_run);
  if (run == nullptr) run = std::make_unique<HandlerRun>();
  absl::Status status = run->Prepare(table, method, call);
  if (status.ok()) {
    Task<absl::Status> task;
    try {
      task = run->MakeTask();
    } catch (...) {
      status = run->Catch();
    }
    if (task) {
      HandlerRun& kept = *run;
      call.Keep(std::move(run));
      return kept.RunCoroutine(std::move(task)).Begin(&call.context().cancellation());
    }
    if (status.ok()) status = run->RunHandler();
  }
  run->Finish(status);
  run->Clear();
  spare_run = std::move(run);
}

absl::Status HandlerRun::Prepare(const MethodTable& table, const ServerMethod& method, ServerCall& call) {
  method_ = &method;
  call_ = &call;
  if (absl::Status status = table.CheckAdmitted(method, call); !status.ok()) return status;
  if (!table.interceptors().empty()) {
    intercepted_.emplace(table.interceptors(), method, call);
    call_ = &*intercepted_;
    if (absl::Status status = intercepted_->Start(); !status.ok()) return status;
  }
  if (ReadsOneRequest(method.kind())) {
    request_ = &reused_request_.Get(method.request_prototype());
    if (!call_->ParseRequest(*request_)) return MalformedMessageError(method.path(), "the request", *request_);
  }
  if (WritesOneResponse(method.kind())) response_ = &reused_response_.Get(method.response_prototype());
  return absl::OkStatus();
}

Task<absl::Status> HandlerRun::MakeTask() {
  if (method_->coroutine() == nullptr) return {};
  const bool streams = method_->kind() != MethodKind::kUnary;
  return method_->coroutine()(call_->context(), request_, streams ? call_->async_stream() : nullptr, response_);
}

absl::Status HandlerRun::RunHandler() {
  ServerContext& context = call_->context();
  try {
    switch (method_->kind()) {
      case MethodKind::kUnary:
        return method_->unary()(context, *request_, *response_);
      case MethodKind::kServerStreaming:
        return method_->server_stream()(context, *request_, call_->stream());
      case MethodKind::kClientStreaming:
        return method_->client_stream()(context, call_->stream(), *response_);
      case MethodKind::kBidiStreaming:
        return method_->bidi_stream()(context, call_->stream());
    }
  } catch (...) {
    return Catch();
  }
  return absl::InternalError(absl::StrCat(method_->path(), ": a method of no kind"));
}

absl::Status HandlerRun::Catch() const {
  try {
    throw;
  } catch (const std::exception& error) {
    return absl::UnknownError(absl::StrCat(method_->path(), ": the handler threw: ", error.what()));
  } catch (...) {
    return absl::UnknownError(absl::StrCat(method_->path(), ": the handler threw something that is no std::exception"));
  }
}

internal::Root HandlerRun::RunCoroutine(Task<absl::Status> task) {
  absl::Status status;
  try {
    status = co_await std::exchange(task, {});
  } catch (...) {
    status = Catch();
  }
  Finish(status);
}

void HandlerRun::Clear() {
  intercepted_.reset();
  if (std::exchange(request_, nullptr) != nullptr) reused_request_.Release();
  if (std::exchange(response_, nullptr) != nullptr) reused_response_.Release();
}

}  // namespace udsrpc
