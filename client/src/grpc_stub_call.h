#ifndef UDSRPC_CLIENT_GRPC_STUB_CALL_H_
#define UDSRPC_CLIENT_GRPC_STUB_CALL_H_

#include <grpcpp/support/client_interceptor.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "client/src/grpc_stub_carrier.h"
#include "udsrpc/channel.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// The interceptor of a call that a stub of gRPC's makes on a channel of CreateGrpcChannel: takes the call over, and
// hands its batches to a carrier. gRPC's context owns it.
//
//   new -> starting -> hijacked
//     `-> left to gRPC: cancelled before it began, which gRPC answers without a connection
//
// A call begins with the batch that sends the initial metadata. Where that is corked, batches that receive may come
// before. They are held until then, and go on by whatever thread begins the call, so the carrier of such a call never
// blocks. One that comes while a carrier that blocks is starting waits in its own thread, in which it is to block.
class GrpcStubCall final : public grpc::experimental::Interceptor {
 public:
  GrpcStubCall(std::shared_ptr<Channel> channel, grpc::experimental::ClientRpcInfo& info,
               const GrpcStubOptions& options)
      : channel_(std::move(channel)),
        info_(info),
        path_(std::make_unique<const std::string>(info.method())),
        options_(options) {}

  void Intercept(GrpcBatch* batch) override;

 private:
  enum class Phase { kNew, kStarting, kHijacked, kLeft };

  void Begin(GrpcBatch& batch);
  void Cancel();
  // Of a call that is hijacked.
  void Carry(GrpcBatch& batch);
  // Of a call that begins with `batch`.
  void MakeCarrier(const GrpcBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<Channel> channel_;
  grpc::experimental::ClientRpcInfo& info_;
  std::unique_ptr<const std::string> path_;  // copied at once: a generic stub's does not live until the call begins
  const GrpcStubOptions options_;
  std::shared_ptr<GrpcStubCarrier> carrier_;  // constant from kStarting on, as is:
  bool blocks_ = false;                       // whether the carrier does

  internal::Mutex mutex_;
  internal::CondVar hijacked_;
  std::atomic<Phase> phase_{Phase::kNew};  // changed with the mutex
  const GrpcBatch* starter_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::vector<GrpcBatch*> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STUB_CALL_H_
