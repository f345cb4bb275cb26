#include "tests/grpc/stock_peers.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

namespace udsrpc::testing {

grpc::ByteBuffer ToByteBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string FromByteBuffer(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  buffer.Dump(&slices);
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

StockClient::~StockClient() {
  queue_.Shutdown();
  Await();
}

bool StockClient::Await() {
  void* tag;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

grpc::Status StockClient::Call(grpc::ClientContext& context, const std::string& method, const std::string& request,
                               std::string* reply) {
  const auto call = stub_.PrepareUnaryCall(&context, method, ToByteBuffer(request), &queue_);
  grpc::ByteBuffer received;
  grpc::Status status;
  call->StartCall();
  call->Finish(&received, &status, nullptr);
  Await();
  if (status.ok() && reply != nullptr) *reply = FromByteBuffer(received);
  return status;
}

grpc::Status StockClient::Stream(grpc::ClientContext& context, const std::string& method,
                                 const std::vector<std::string>& requests, std::vector<std::string>* replies) {
  const auto call = stub_.PrepareCall(&context, method, &queue_);
  call->StartCall(nullptr);
  bool alive = Await();
  for (const std::string& request : requests) {
    if (!alive) break;
    call->Write(ToByteBuffer(request), nullptr);
    alive = Await();
  }
  if (alive) {
    call->WritesDone(nullptr);
    Await();
  }
  for (;;) {
    grpc::ByteBuffer received;
    call->Read(&received, nullptr);
    if (!Await()) break;
    replies->push_back(FromByteBuffer(received));
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await();
  return status;
}

std::optional<std::string> StockServer::Call::Read() {
  grpc::ByteBuffer received;
  stream_.Read(&received, nullptr);
  if (!Await()) return std::nullopt;
  return FromByteBuffer(received);
}

void StockServer::Call::Write(const std::string& message) {
  stream_.Write(ToByteBuffer(message), nullptr);
  Await();
}

void StockServer::Call::Finish(const grpc::Status& status) {
  stream_.Finish(status, nullptr);
  Await();
}

void StockServer::Call::Reply(const std::string& message) {
  stream_.WriteAndFinish(ToByteBuffer(message), grpc::WriteOptions(), grpc::Status::OK, nullptr);
  Await();
}

bool StockServer::Call::Await() {
  void* tag;
  bool ok = false;
  return queue_.Next(&tag, &ok) && ok;
}

StockServer::StockServer(const std::string& target, Script script) : script_(std::move(script)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(target, grpc::InsecureServerCredentials());
  builder.RegisterAsyncGenericService(&service_);
  queue_ = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  thread_ = std::thread([this] { Run(); });
}

StockServer::~StockServer() {
  server_->Shutdown(std::chrono::system_clock::now());
  thread_.join();
  queue_->Shutdown();
  void* tag;
  bool ok;
  while (queue_->Next(&tag, &ok)) continue;
}

void StockServer::Run() {
  for (;;) {
    Call call(*queue_);
    service_.RequestCall(&call.context, &call.stream_, queue_.get(), queue_.get(), nullptr);
    if (!call.Await()) return;
    script_(call);
  }
}

}  // namespace udsrpc::testing
