#ifndef UDSRPC_CLIENT_GRPC_STUB_ASYNC_UNARY_H_
#define UDSRPC_CLIENT_GRPC_STUB_ASYNC_UNARY_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "client/src/grpc_stub_carrier.h"
#include "udsrpc/async_call.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc {

// A unary call of gRPC's callback or completion-queue interface. What is received may be asked for in one batch or in
// two, all before the call has ended or some of it after; the initial metadata comes with the rest.
class GrpcAsyncUnaryCarrier final : public GrpcStubCarrier, public std::enable_shared_from_this<GrpcAsyncUnaryCarrier> {
 public:
  using GrpcStubCarrier::GrpcStubCarrier;

  void Start(GrpcBatch& batch) override;
  void Send(GrpcBatch& batch) override { batch.Proceed(); }
  void Receive(GrpcBatch& batch) override;

 private:
  void OnDone(const absl::Status& status);
  // The call has ended.
  void Answer(GrpcBatch& batch, absl::Status status);

  internal::OpaqueMessage request_;
  internal::OpaqueMessage response_;
  std::unique_ptr<AsyncUnaryCall> call_;

  internal::Mutex mutex_;
  std::optional<absl::Status> result_ ABSL_GUARDED_BY(mutex_);
  std::vector<GrpcBatch*> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_STUB_ASYNC_UNARY_H_
