#ifndef UDSRPC_GRPC_CHANNEL_H_
#define UDSRPC_GRPC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/client_interceptor.h>

#include <memory>
#include <vector>

#include "udsrpc/channel.h"

// Link udsrpc::grpc_channel beside udsrpc::udsrpc. Shows gRPC's types, as of the headers for clients only
// grpc_credentials.h does besides.

namespace udsrpc {

// As ChannelOptions.
struct GrpcChannelOptions {
  // Of all calls, as ClientContext::set_wait_for_ready: gRPC shows nobody what its own context's set_wait_for_ready
  // says, which therefore says nothing here.
  bool wait_for_ready = false;

  // All stubs on the channel are grpc::GenericStubs, whose messages are grpc::ByteBuffers. A channel has either those
  // or the ones whose messages are Protobuf's, as gRPC does not say which a call has: to make a call of the one kind on
  // a channel for the other is undefined, as to cast a pointer to a wrong type. Both may be made over one
  // udsrpc::Channel.
  bool generic = false;

  // gRPC's interceptors, before the one that takes the calls over; they see them as on any channel of gRPC's.
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors = {};
};

// A channel for the stubs that gRPC generates (x.grpc.pb.h), whose calls go over `channel`, and so over seqpacket:
// unary and streaming ones, by the blocking, the callback and the completion-queue interface. A blocking call is driven
// by its caller's own thread, as one of ours. Completions of the others come from gRPC's threads or queues, as ever.
// Keeps `channel`. Thread-safe, as it; blocks for nothing.
//
// What calls have of it: deadline, cancellation (TryCancel), metadata both ways, status with message and details, and
// the limits, interceptors and keepalive of `channel`'s options. Statuses are those of Channel::UnaryCall. They never
// have a connection of gRPC's; GetState and WaitForConnected, which are about such a one, are of no use.
//
// What they have not, where a channel of gRPC's does:
// - set_wait_for_ready of the context (see GrpcChannelOptions); call credentials, authority and compression, which say
//   nothing either, and the channel arguments, for which there are ChannelOptions;
// - of ClientContext::FromServerContext, the parent's cancellation and deadline: set a deadline, and call TryCancel;
// - messages other than Protobuf's, but for those of a grpc::GenericStub (see GrpcChannelOptions::generic);
// - ClientContext::peer and debug_error_string, which are empty or say nothing of the call;
// - WritesDone of a call that has ended says true; what is written then is false, as ever.
// Metadata that is not allowed (see Metadata) ends a call with INVALID_ARGUMENT, where gRPC would end the program; with
// reserved keys it is left out. Finish of a blocking stream drops what was not read, where gRPC's would wait for ever.
std::shared_ptr<grpc::Channel> CreateGrpcChannel(std::shared_ptr<Channel> channel, GrpcChannelOptions options = {});

}  // namespace udsrpc

#endif  // UDSRPC_GRPC_CHANNEL_H_
