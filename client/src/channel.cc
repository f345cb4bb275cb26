#include "udsrpc/channel.h"

#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

#include "client/src/active_call.h"
#include "client/src/client_transport.h"
#include "client/src/executed_call.h"
#include "client/src/failed_async_call.h"
#include "client/src/failed_stream.h"
#include "client/src/intercepted_async_call.h"
#include "client/src/intercepted_call.h"
#include "client/src/method_counters.h"
#include "common/src/fork.h"
#include "common/src/stats/tick_clock.h"
#include "udsrpc/internal/process_bound.h"

namespace udsrpc {

namespace {

// Of a process that has a parent's channel: tells the asynchronous calls that it makes there.
struct OrphansStarts {
  const internal::ProcessMark process;
  StartQueue queue{"a parent's channel", [] { return StartQueue::Attempt(); }};

  static StartQueue& Get() {
    static std::atomic<OrphansStarts*> of_this_process{nullptr};
    OrphansStarts* starts = of_this_process.load(std::memory_order_acquire);
    while (starts == nullptr || starts->process.elsewhere()) {
      auto mine = std::make_unique<OrphansStarts>();
      OrphansStarts* const before = starts;
      if (!of_this_process.compare_exchange_strong(starts, mine.get())) continue;
      if (before != nullptr) internal::Abandon(before);
      return mine.release()->queue;
    }
    return starts->queue;
  }
};

}  // namespace

ClientStream& ClientStream::Elsewhere() {
  static ClientStream& stream = *new FailedStream(ForkedError("a stream"));
  return stream;
}

AsyncClientStream& AsyncClientStream::Elsewhere() {
  static AsyncClientStream& stream = *new FailedAsyncStream(ForkedError("a stream"));
  return stream;
}

Channel::Channel(std::string target, const ChannelOptions& options, std::unique_ptr<ClientTransport> carrier)
    : target_(std::move(target)),
      transport_(options.transport),
      interceptors_(options.interceptors),
      executor_(options.executor == nullptr ? nullptr : std::make_shared<const Executor>(options.executor)),
      counters_(std::make_unique<MethodCounters>()),
      carrier_(std::move(carrier)) {
  TickClock::Calibrate();
}

Channel::~Channel() {
  if (process_.elsewhere()) internal::Abandon(carrier_.release());
}

absl::Status Channel::CheckProcess() const { return process_.elsewhere() ? ForkedError(target_) : absl::OkStatus(); }

ChannelStats Channel::Stats() const { return {.methods = counters_->Read()}; }

absl::Status Channel::Claim(const MethodDescriptor& method, ClientContext& context, internal::CallCount& count) {
  absl::Status status = ActiveCall::Claim(context);
  if (status.ok()) {
    const MethodCounters::Found found = counters_->Of(method.path);
    count.Begin(context, found.counters, found.path);
  } else {
    CountRefused(method.path, status.code());
  }
  return status;
}

void Channel::CountRefused(const char* path, absl::StatusCode code) {
  CallCounters& counters = counters_->Of(path).counters;
  counters.OnStart();
  counters.OnEnd(code, /*nanoseconds=*/0, internal::CallSizes());
}

absl::Status Channel::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response) {
  if (absl::Status status = CheckProcess(); !status.ok()) return status;
  internal::CallCount count;
  if (absl::Status status = Claim(method, context, count); !status.ok()) return status;
  absl::Status status = interceptors_.empty() ? carrier_->UnaryCall(method, context, request, response)
                                              : InterceptedUnaryCall(method, context, request, response);
  count.End(status.code());
  return status;
}

absl::Status Channel::InterceptedUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                           const google::protobuf::MessageLite& request,
                                           google::protobuf::MessageLite& response) {
  InterceptedCall call(interceptors_, method, context);
  absl::Status status = call.Start();
  if (status.ok()) {
    call.Send(request);
    status = carrier_->UnaryCall(method, context, request, response);
    if (status.ok()) call.Receive(response);
  }
  call.Finish(status);
  return status;
}

std::unique_ptr<ClientStream> Channel::StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                     const google::protobuf::MessageLite* request) {
  internal::CallCount count;
  absl::Status claimed = CheckProcess();
  if (claimed.ok()) claimed = Claim(method, context, count);
  if (!claimed.ok()) return std::make_unique<FailedStream>(std::move(claimed));
  std::unique_ptr<ClientStream> stream = interceptors_.empty() ? carrier_->StreamingCall(method, context, request)
                                                               : InterceptedStreamingCall(method, context, request);
  stream->channel_ = shared_from_this();
  stream->count_ = std::move(count);
  return stream;
}

std::unique_ptr<ClientStream> Channel::InterceptedStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                                const google::protobuf::MessageLite* request) {
  auto call = std::make_unique<InterceptedCall>(interceptors_, method, context);
  absl::Status status = call->Start();
  if (status.ok() && request != nullptr) call->Send(*request);
  std::unique_ptr<ClientStream> stream = status.ok() ? carrier_->StreamingCall(method, context, request)
                                                     : std::make_unique<FailedStream>(std::move(status));
  return std::make_unique<InterceptedStream>(std::move(call), std::move(stream));
}

absl::Status Channel::BeginAsync(const MethodDescriptor& method, ClientContext& context,
                                 const google::protobuf::MessageLite* request, internal::CallCount& count,
                                 std::unique_ptr<InterceptedCall>* interceptors) {
  if (absl::Status status = Claim(method, context, count); !status.ok()) return status;
  if (interceptors_.empty()) return absl::OkStatus();
  *interceptors = std::make_unique<InterceptedCall>(interceptors_, method, context);
  absl::Status status = (*interceptors)->Start();
  if (status.ok() && request != nullptr) (*interceptors)->Send(*request);
  return status;
}

std::unique_ptr<AsyncUnaryCall> Channel::PrepareUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                                          const google::protobuf::MessageLite& request,
                                                          google::protobuf::MessageLite& response) {
  if (absl::Status status = CheckProcess(); !status.ok()) {
    return std::make_unique<FailedAsyncUnaryCall>(OrphansStarts::Get(), std::move(status));
  }
  internal::CallCount count;
  std::unique_ptr<InterceptedCall> interceptors;
  absl::Status status = BeginAsync(method, context, &request, count, &interceptors);
  std::unique_ptr<AsyncUnaryCall> call;
  if (status.ok()) {
    call = carrier_->PrepareUnaryCall(method, context, request, response);
  } else {
    call = std::make_unique<FailedAsyncUnaryCall>(carrier_->starts(), std::move(status));
  }
  if (executor_ != nullptr) call = std::make_unique<ExecutedUnaryCall>(executor_, std::move(call));
  if (interceptors != nullptr) {
    call = std::make_unique<InterceptedAsyncUnaryCall>(std::move(interceptors), std::move(call), response);
  }
  call->channel_ = shared_from_this();
  call->count_ = std::move(count);
  return call;
}

void Channel::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                        const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response,
                        AsyncUnaryCall::Done done) {
  std::unique_ptr<AsyncUnaryCall> call = PrepareUnaryCall(method, context, request, response);
  AsyncUnaryCall& started = *call;
  started.Start([call = std::move(call), done = std::move(done)](absl::Status status) mutable {
    call.reset();
    std::move(done)(std::move(status));
  });
}

std::unique_ptr<AsyncClientStream> Channel::StartStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                               const google::protobuf::MessageLite* request) {
  if (absl::Status status = CheckProcess(); !status.ok()) {
    return std::make_unique<FailedAsyncStream>(std::move(status));
  }
  internal::CallCount count;
  std::unique_ptr<InterceptedCall> interceptors;
  absl::Status status = BeginAsync(method, context, request, count, &interceptors);
  std::unique_ptr<AsyncClientStream> stream;
  if (status.ok()) {
    try {
      stream = carrier_->StartStreamingCall(method, context, request);
    } catch (const std::system_error&) {
      count.End(absl::StatusCode::kResourceExhausted);
      throw;
    }
  } else {
    stream = std::make_unique<FailedAsyncStream>(std::move(status));
  }
  if (executor_ != nullptr) stream = std::make_unique<ExecutedStream>(executor_, std::move(stream));
  if (interceptors != nullptr) {
    stream = std::make_unique<InterceptedAsyncStream>(std::move(interceptors), std::move(stream));
  }
  stream->channel_ = shared_from_this();
  stream->count_ = std::move(count);
  return stream;
}

}  // namespace udsrpc
