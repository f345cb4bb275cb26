#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "benchmarks/suite/blocking_callers.h"
#include "benchmarks/suite/grpc_client.h"

namespace udsrpc::benchmarks {
namespace {

// What else there is to set gains nothing here: larger HTTP/2 frames, read chunks and windows, no BDP probes, the
// minimal stack and the throughput target; nor do other numbers of queues and pollers at the synchronous server.
std::shared_ptr<grpc::Channel> ChannelTo(const std::string& path) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);             // whose bookkeeping every call would pay for
  return grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

void Require(const grpc::Status& status) {
  if (!status.ok()) Fail("status " + std::to_string(status.error_code()) + ": " + status.error_message());
}

void Require(bool condition, const char* what) {
  if (!condition) Fail(what);
}

GrpcSyncConnection::GrpcSyncConnection(const std::string& path) : stub_(Echo::NewStub(ChannelTo(path))) {}

void GrpcSyncConnection::Echo(const std::string& payload, std::chrono::microseconds handler_sleep) {
  GrpcContext context;
  // Kept, as by whoever calls often with long messages: their memory is not what is measured.
  thread_local Payload request;
  thread_local Payload reply;
  request.set_data(payload);
  request.set_sleep_us(static_cast<uint32_t>(handler_sleep.count()));
  Require(stub().Unary(&context, request, &reply));
  Require(reply.data() == payload, "another reply");
}

bool GrpcSyncConnection::EchoMany(int outstanding, const std::string& payload, Load& load) {
  EchoByThreads(outstanding, *this, payload, load);
  return true;
}

bool GrpcSyncConnection::Download(const std::string& payload, Load& load) {
  GrpcContext context;
  DownloadRequest request;
  request.set_data(payload);
  const auto reader = stub().Download(&context, request);
  for (Payload message; !load.over(); load.Count()) {
    Require(reader->Read(&message) && message.data() == payload, "no message, or another");
  }
  context.TryCancel();
  reader->Finish();
  return true;
}

bool GrpcSyncConnection::PingPong(const std::string& payload, Load& load) {
  GrpcContext context;
  const auto stream = stub().PingPong(&context);
  Payload ping;
  Payload pong;
  ping.set_data(payload);
  for (Clock::time_point start = Clock::now(); !load.over(); start = load.Record(start)) {
    Require(stream->Write(ping) && stream->Read(&pong) && pong.data() == payload, "no message, or another");
  }
  stream->WritesDone();
  Require(stream->Finish());
  return true;
}

bool GrpcSyncConnection::Upload(const std::string& chunk, uint64_t bytes) {
  GrpcContext context;
  UploadReply reply;
  const auto writer = stub().Upload(&context, &reply);
  Payload message;
  message.set_data(chunk);
  for (uint64_t sent = 0; sent < bytes; sent += chunk.size()) Require(writer->Write(message), "an upload ends early");
  writer->WritesDone();
  Require(writer->Finish());
  Require(reply.bytes() == bytes, "another number of bytes has come");
  return true;
}

}  // namespace udsrpc::benchmarks
