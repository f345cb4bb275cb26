#ifndef UDSRPC_CHANNEL_H_
#define UDSRPC_CHANNEL_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "udsrpc/async_call.h"
#include "udsrpc/channel_stats.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_interceptor.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/executor.h"
#include "udsrpc/internal/call_count.h"
#include "udsrpc/internal/process_mark.h"
#include "udsrpc/method.h"
#include "udsrpc/transport.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc {

class ChannelCredentials;  // made by GrpcCredentials of grpc_credentials.h
class ClientTransport;
class InterceptedCall;
class MethodCounters;

// Set by designated initializers: every field has a default, and fields are added, never reordered.
struct ChannelOptions {
  Transport transport = Transport::kGrpc;

  // The largest message accepted, in bytes of its encoding; a larger one fails its call with RESOURCE_EXHAUSTED, before
  // any of it is kept. Protobuf's own limit is 2 GiB. Default: that of gRPC 1.51.
  size_t max_receive_message_bytes = 4 << 20;

  // The most that the server may send for one call as initial metadata (by Metadata::ByteSize), and the most as
  // trailing metadata with the status' message and details; more fails the call with RESOURCE_EXHAUSTED. Over seqpacket
  // at most 24 KiB whatever this says. Default: that of gRPC 1.51.
  size_t max_metadata_bytes = 8 << 10;

  // Descriptors accepted with one message over seqpacket, 0 to 253, which is the kernel's limit; more than 253 counts
  // as that. 0, the default: none, and the kernel drops what a server sends all the same. Those that come and have not
  // been taken (TakeFds), over all calls of a connection, are at most `max_untaken_fds`: with a message beyond that its
  // call fails with RESOURCE_EXHAUSTED. See docs/SECURITY.md before accepting any of a server that is not trusted.
  size_t max_receive_fds = 0;
  size_t max_untaken_fds = 256;

  // While calls wait and nothing has come from the server for `keepalive_time`, it is asked whether it lives; where it
  // says nothing for `keepalive_timeout` more, the connection is given up and its calls end with UNAVAILABLE. On one
  // host the kernel tells at once when a server has died, so this is for servers that hang. Default: never asked. At
  // least 10 ms, which gRPC servers of other makes may find too often; `keepalive_timeout` as in gRPC.
  absl::Duration keepalive_time = absl::InfiniteDuration();
  absl::Duration keepalive_timeout = absl::Seconds(20);

  // How long a thread that waits for the server tries again and again for a packet before it sleeps: zero, for never,
  // to a second. It does so only while that has lately been quicker than to be woken, and not on a busy machine, so
  // that this need not be tuned (docs/PERFORMANCE.md says where zero is right). Over seqpacket only: the gRPC library
  // does its own waiting. Default: about what it costs to be woken.
  absl::Duration spin_budget = absl::Microseconds(50);

  // See every call of the channel, the first of them outermost.
  std::vector<ClientInterceptorFactory> interceptors = {};

  // Runs the completions of asynchronous calls, and what awaits them where it had to wait; what follows a Sleep it does
  // not. Default: a thread of the channel's own does, which costs no hand-over.
  Executor executor = nullptr;

  // A name for the channel's own end, an endpoint's target with an absolute path of at most 107 bytes (97 over
  // seqpacket): the server sees it as Peer::address(). A path is claimed, and removed with the channel, as a server's
  // is, with mode 0600; where it, or an abstract name, cannot be had, calls end with UNAVAILABLE. It is of one
  // connection at a time: a path is free for the channel's next one at once, an abstract name when the last call on the
  // former has ended, and its completion, or the object of its stream, is gone. Over seqpacket the end is at
  // PATH.seqpacket, so that the process can offer gRPC at the same endpoint, and be called back; over gRPC the reverse.
  // Default: none.
  std::string local_address = {};

  // Whose server it must be, by the kernel's word (SO_PEERCRED: who called listen(2); under socket activation that is
  // root, until a server of udsrpc has the socket): to a server of any other user nothing is sent, and calls end with
  // UNAVAILABLE. Empty: anybody's.
  std::vector<uid_t> server_uids = {};

  // For a target that is not on this host, and needed there: what is demanded of its server, and shown to it. At a Unix
  // socket they say nothing, so that to leave the host, or to come back, is a change of the target alone.
  std::shared_ptr<const ChannelCredentials> credentials = nullptr;
};

// A way to one endpoint. It connects at the first call that needs it, and again at the next call after the connection
// was lost. Of the calls under way when that happens, one that the server cannot have begun to handle is made again,
// unseen; every other ends with UNAVAILABLE, and its handler may have run. (Not so over gRPC with a local address,
// server_uids or CreateChannelFromFd: gRPC does not connect by itself then, and makes no call again, so that an orderly
// restart of the server costs a call or two, which end with UNAVAILABLE.)
//
// Thread-safe: any number of threads may call through one channel at a time. Made by CreateChannel and shared: stubs
// and streams keep their channel alive.
//
// A channel is of the process that made it. In a child of fork(2) its calls, and the streams that it had, end with
// FAILED_PRECONDITION, Cancel does nothing, and destroying any of them disturbs nobody: the parent's calls go on. A
// child that forks to go on makes channels of its own; over gRPC, which does not support that (docs/RELIABILITY.md), it
// calls exec first. It must neither return from a handler or a completion in which it was forked, nor destroy
// coroutines that waited then.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  // By whoever lets go of it last. Blocks while a completion runs on a thread of the channel's, unless on that thread.
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // The endpoint, in its canonical form; of CreateChannelFromFd "fd:N".
  const std::string& target() const { return target_; }
  Transport transport() const { return transport_; }

  // What it has counted of its calls, those of stock stubs (grpc_channel.h) among them. Does not hold up any.
  ChannelStats Stats() const;

  // What is below is what generated stubs call.

  // Blocks the calling thread, which itself does the sending and receiving, until the call has ended. `request` must
  // not change meanwhile; `response` is unspecified unless OK is returned.
  //
  // What the handler returned, or
  // UNAVAILABLE: nobody listens, this user may not connect, or the connection was lost.
  // DEADLINE_EXCEEDED, CANCELLED: by the context.
  // UNIMPLEMENTED: the server has no such service or method, or has it as a stream.
  // RESOURCE_EXHAUSTED: a message, metadata or descriptors over a limit of either side.
  // INTERNAL: request or reply do not parse on the other side.
  // UNKNOWN: the handler threw.
  // FAILED_PRECONDITION: the context has served a call already; descriptors where they are not accepted (see
  //   ClientContext::AttachFd); or the channel was made before fork(2), by a parent of this process.
  absl::Status UnaryCall(const MethodDescriptor& method, ClientContext& context,
                         const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response);

  // Starts a call. Blocks as far as connecting does. Where the call cannot start, the stream says so at Finish; the
  // codes are those of UnaryCall. `request` is the only message that a server-streaming call sends, and null for the
  // other kinds; it is not kept. The stream keeps the channel alive.
  std::unique_ptr<ClientStream> StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                              const google::protobuf::MessageLite* request);

  // What is below starts calls that no thread waits for. Over kAuto that may block for up to 20 ms (see Transport).
  // Interceptors' OnStart and OnSend run on the calling thread. Throws std::system_error where a thread is needed, to
  // connect or to read, and none can be started.

  // As UnaryCall, but returns at once; `done` gets the status later, by a thread of the channel's or its executor: see
  // async_call.h. Context, request and response must live until then.
  void UnaryCall(const MethodDescriptor& method, ClientContext& context, const google::protobuf::MessageLite& request,
                 google::protobuf::MessageLite& response, AsyncUnaryCall::Done done);
  // A call that is yet to be started. `request` and `response` must outlive it.
  std::unique_ptr<AsyncUnaryCall> PrepareUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                                   const google::protobuf::MessageLite& request,
                                                   google::protobuf::MessageLite& response);
  // As StreamingCall, but never blocks.
  std::unique_ptr<AsyncClientStream> StartStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                        const google::protobuf::MessageLite* request);

 private:
  friend absl::StatusOr<std::shared_ptr<Channel>> CreateChannel(absl::string_view target,
                                                                const ChannelOptions& options);
  friend absl::StatusOr<std::shared_ptr<Channel>> CreateChannelFromFd(UniqueFd fd, const ChannelOptions& options);
  Channel(std::string target, const ChannelOptions& options, std::unique_ptr<ClientTransport> carrier);

  friend class GrpcStubCall;
  friend class GrpcStubCarrier;

  // Claims the context for the call, and begins to count it. Where that fails, the call has been counted.
  absl::Status Claim(const MethodDescriptor& method, ClientContext& context, internal::CallCount& count);
  // Of a call that ends with this and was not even made.
  void CountRefused(const char* path, absl::StatusCode code);

  absl::Status InterceptedUnaryCall(const MethodDescriptor& method, ClientContext& context,
                                    const google::protobuf::MessageLite& request,
                                    google::protobuf::MessageLite& response);
  std::unique_ptr<ClientStream> InterceptedStreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                         const google::protobuf::MessageLite* request);

  // As Claim, and starts the interceptors, where there are any.
  absl::Status BeginAsync(const MethodDescriptor& method, ClientContext& context,
                          const google::protobuf::MessageLite* request, internal::CallCount& count,
                          std::unique_ptr<InterceptedCall>* interceptors);

  // OK, or why this process may not call.
  absl::Status CheckProcess() const;

  const internal::ProcessMark process_;
  const std::string target_;
  const Transport transport_;
  const std::vector<ClientInterceptorFactory> interceptors_;
  const std::shared_ptr<const Executor> executor_;  // or null
  const std::unique_ptr<MethodCounters> counters_;
  std::unique_ptr<ClientTransport> carrier_;
};

// A channel to `target`, see Endpoint. Connects to nothing yet, so it does not block.
//
// Or to another host, over gRPC (also by kAuto), as gRPC names it: "dns:///HOST:PORT", "ipv4:ADDRESS:PORT" or
// "ipv6:[ADDRESS]:PORT", of the last two also several, with commas between them. It takes options.credentials, and what
// is about Unix sockets must not be set: kSeqpacket, local_address, server_uids, max_receive_fds. gRPC resolves and
// connects as it does for any client: where it has failed to connect, calls end with UNAVAILABLE at once, unless they
// wait for ready, until it tries again, after a second and then after longer; by an HTTP proxy, where the environment
// names one (https_proxy).
//
// INVALID_ARGUMENT: `target` is no endpoint, its path is too long for the seqpacket socket beside it, or gRPC's client
//   cannot express it (see Endpoint::ToString); options.local_address is none that can be; a target on another host
//   without credentials, or with what must not be set.
// UNIMPLEMENTED: the transport is not linked into this program.
absl::StatusOr<std::shared_ptr<Channel>> CreateChannel(absl::string_view target, const ChannelOptions& options = {});

// A channel on a connected Unix socket, be it an end of a socketpair(2) or inherited: over gRPC where its type is
// SOCK_STREAM, over seqpacket where it is SOCK_SEQPACKET; options.transport must be that or kAuto. Makes `fd`
// non-blocking and close-on-exec, and closes it where it returns not OK. Nothing may have been sent on it, and the
// other end is to be given to Server::AddConnection. There is no other connection: once it has ended, calls end with
// UNAVAILABLE. options.server_uids are compared with who made the pair; options.local_address must be empty.
// INVALID_ARGUMENT: `fd` is no such socket, or of another transport; a local address.
// UNIMPLEMENTED: the transport is not linked into this program.
absl::StatusOr<std::shared_ptr<Channel>> CreateChannelFromFd(UniqueFd fd, const ChannelOptions& options = {});

}  // namespace udsrpc

#endif  // UDSRPC_CHANNEL_H_
