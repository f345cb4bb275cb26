#ifndef UDSRPC_CLIENT_GRPC_CALL_H_
#define UDSRPC_CLIENT_GRPC_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/src/active_call.h"
#include "client/src/grpc_channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/method.h"

namespace udsrpc {

// What calls over gRPC have in common, whatever their kind: how they begin and how they end.
class GrpcCall : public ActiveCall {
 public:
  // What is referred to must outlive the call.
  struct Settings {
    absl::string_view endpoint;  // for messages
    size_t max_metadata_bytes;
    GrpcChannel& channel;
  };

 protected:
  GrpcCall(const Settings& settings, const MethodDescriptor& method, ClientContext& context)
      : method_(method), settings_(settings), context_(context), deadline_(context.deadline()) {}
  ~GrpcCall() override = default;

  // Takes over the settings of the call's context, and blocks for a server where the context waits for one, and as far
  // as connecting does. DEADLINE_EXCEEDED: there is no time left to call. UNAVAILABLE, CANCELLED: see ListenerWait.
  absl::Status Prepare();
  // The parts of that which do not block.
  absl::Status CheckDeadline() const;
  void FillContext();
  absl::Time deadline() const { return deadline_; }
  // Chooses what to make the call on. UNAVAILABLE: the connection for it has just ended.
  absl::Status ChooseLink();
  // The call has ended, with this. Detaches it, fills in the context's results and returns what the caller is told.
  absl::Status End(const grpc::Status& status);
  // Drops what came of a call that ended where nobody asked how.
  void Abandon() { Detach(context_); }

  // Fills in the context's initial metadata, which has come or never will. RESOURCE_EXHAUSTED: over the limit.
  absl::Status TakeInitialMetadata();

  void OnCancel() override;

  const MethodDescriptor method_;
  const Settings settings_;
  ClientContext& context_;
  std::shared_ptr<GrpcLink> link_;  // from ChooseLink to End
  // The library's context refers to it as well, and lets go of it where ThreadSanitizer cannot see that.
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext grpc_context_;

 private:
  // RESOURCE_EXHAUSTED: over the limit; then the caller is not shown it.
  absl::Status CheckSize(Metadata& metadata) const;
  // A failure that the library made, in words that name the endpoint; one that the server sent, as it is.
  absl::Status Explain(absl::Status status) const;
  // Whether the connection takes no more calls, and another has to be made here.
  bool IsGoaway(const absl::Status& status) const;
  // Whether nothing came with `status` that only a server sends.
  bool MayBeMadeHere(const absl::Status& status) const;

  const absl::Time deadline_;
  bool initial_metadata_taken_ = false;
  absl::Status initial_metadata_fits_;
  bool cancelled_ = false;  // guarded by the context's lock while the call is attached to it
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_GRPC_CALL_H_
