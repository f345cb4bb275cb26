#include "client/src/seqpacket_transport.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "client/src/active_call.h"
#include "client/src/call_start.h"
#include "client/src/failed_stream.h"
#include "client/src/retry_pause.h"
#include "client/src/seqpacket_async_stream.h"
#include "client/src/seqpacket_async_unary_call.h"
#include "client/src/seqpacket_call.h"
#include "client/src/seqpacket_stream.h"
#include "common/src/call_errors.h"
#include "common/src/deadline.h"
#include "common/src/stream/message_reader.h"

namespace udsrpc {
namespace {

// Whether connect(2) failed because there is no socket for us, which says nothing about gRPC's beside it.
bool MeansNotOffered(int error) {
  return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED || error == EPROTOTYPE || error == EACCES;
}

// Runs a unary call to its end. Its reply comes with its status or, where it is long, ahead of it.
absl::Status Execute(SeqpacketConnection& connection, SeqpacketCall& call, const google::protobuf::MessageLite& request,
                     google::protobuf::MessageLite& response) {
  if (!connection.OpenAndAwait(call, request)) return std::move(call.status);
  MessageReader reader;
  const MessageReader::Outcome outcome =
      reader.Read(response, [&](ByteQueue& into) { return connection.Fetch(call, into); });
  if (reader.has_fds()) ActiveCall::ReceiveFds(call.context, connection.TakeFds(call));
  connection.Await(call, /*or_messages=*/false);
  if (!call.status.ok()) return std::move(call.status);
  if (outcome == MessageReader::Outcome::kMalformed) return MalformedMessageError(call.path, "the reply", response);
  if (outcome == MessageReader::Outcome::kMessage) ActiveCall::Sizes(call.context).OnReceived(reader.message_bytes());
  return absl::OkStatus();
}

}  // namespace

SeqpacketTransport::SeqpacketTransport(std::unique_ptr<Dialer> dialer, const ChannelOptions& options)
    : limits_{.max_receive_message_bytes = options.max_receive_message_bytes,
              .max_metadata_bytes = options.max_metadata_bytes,
              .max_receive_fds = options.max_receive_fds,
              .max_untaken_fds = options.max_untaken_fds,
              .keepalive_time = options.keepalive_time,
              .keepalive_timeout = options.keepalive_timeout,
              .spin_budget = options.spin_budget},
      connector_(std::move(dialer), limits_),
      starts_(connector_.name(), [this] { return connector_.TryConnect(); }) {}

absl::Status SeqpacketTransport::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                           const google::protobuf::MessageLite& request,
                                           google::protobuf::MessageLite& response) {
  const absl::StatusOr<Deadline> deadline = ReadDeadline(method, context);
  if (!deadline.ok()) return deadline.status();
  // A connection that died since the last call is noticed by the next one. Where the server cannot have run that
  // call's handler, it is made again, on a fresh connection.
  RetryPause pause;
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<std::shared_ptr<SeqpacketConnection>> connection = connector_.Get(context, *deadline);
    if (!connection.ok()) return connection.status();
    SeqpacketCall call(method, context, *deadline, limits_.max_receive_message_bytes);
    call.connection = connection->get();
    call.response = &response;
    call.Attach(context);
    absl::Status status = Execute(**connection, call, request, response);
    call.Detach(context);
    if ((*connection)->going_away()) connector_.Forget(**connection);
    if (!call.unserved || (attempt >= kMaxCallAttempts && !context.wait_for_ready())) {
      ActiveCall::ReleaseAttachedFds(context);
      return status;
    }
    ActiveCall::Restart(context);
    if (attempt >= kMaxCallAttempts) connector_.Rest(context, *deadline, pause.Next());
  }
}

std::unique_ptr<ClientStream> SeqpacketTransport::StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                                const google::protobuf::MessageLite* request) {
  const absl::StatusOr<Deadline> deadline = ReadDeadline(method, context);
  if (!deadline.ok()) return std::make_unique<FailedStream>(deadline.status());
  RetryPause pause;
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<std::shared_ptr<SeqpacketConnection>> connection = connector_.Get(context, *deadline);
    if (!connection.ok()) return std::make_unique<FailedStream>(connection.status());
    auto stream = std::make_unique<SeqpacketStream>(connector_, *std::move(connection), method, context, *deadline,
                                                    limits_.max_receive_message_bytes);
    if (stream->Open(request) || (attempt >= kMaxCallAttempts && !context.wait_for_ready())) return stream;
    stream.reset();
    ActiveCall::Restart(context);
    if (attempt >= kMaxCallAttempts) connector_.Rest(context, *deadline, pause.Next());
  }
}

std::unique_ptr<AsyncUnaryCall> SeqpacketTransport::PrepareUnaryCall(const MethodDescriptor& method,
                                                                     ClientContext& context,
                                                                     const google::protobuf::MessageLite& request,
                                                                     google::protobuf::MessageLite& response) {
  return std::make_unique<SeqpacketAsyncUnaryCall>(ForAsyncCalls(), method, context, request, response);
}

std::unique_ptr<AsyncClientStream> SeqpacketTransport::StartStreamingCall(
    const MethodDescriptor& method, ClientContext& context, const google::protobuf::MessageLite* request) {
  return std::make_unique<SeqpacketAsyncStream>(ForAsyncCalls(), method, context, request);
}

bool SeqpacketTransport::IsOffered() {
  const std::shared_ptr<SeqpacketConnection> connection = connector_.Current();
  return (connection != nullptr && connection->LookAlive()) || !MeansNotOffered(connector_.TryConnect().error);
}

}  // namespace udsrpc
