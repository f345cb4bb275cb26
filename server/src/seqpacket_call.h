#ifndef UDSRPC_SERVER_SEQPACKET_CALL_H_
#define UDSRPC_SERVER_SEQPACKET_CALL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/src/deadline.h"
#include "server/src/event_loop.h"
#include "server/src/server_call.h"
#include "udsrpc/server_context.h"
#include "udsrpc/service.h"

namespace udsrpc {

class SeqpacketServerConnection;

// A call that came over a seqpacket connection, from its CALL frame until its STATUS.
class SeqpacketCall final : public ServerCall, public ServerContext, public EventLoop::Task {
 public:
  // `request` is a view of `packet`.
  SeqpacketCall(std::shared_ptr<SeqpacketServerConnection> connection, uint32_t id, const ServerMethod& method,
                Deadline deadline, Metadata metadata, std::shared_ptr<char[]> packet, absl::string_view request);
  ~SeqpacketCall() override;

  uint32_t id() const { return id_; }
  // The client does not want the answer any more. Thread-safe.
  void Cancel() { cancelled_.store(true, std::memory_order_release); }

  // EventLoop::Task
  void Run() override;
  void Park() override;

  // ServerCall
  ServerContext& context() override { return *this; }
  bool ParseRequest(google::protobuf::MessageLite& request) override;
  void Finish(const absl::Status& status, const google::protobuf::MessageLite* response) override;

  // ServerContext
  absl::string_view method() const override { return method_.path(); }
  bool IsCancelled() const override;

 private:
  // OK while somebody waits for the answer.
  absl::Status Wanted() const;

  const std::shared_ptr<SeqpacketServerConnection> connection_;
  const uint32_t id_;
  const ServerMethod& method_;
  const Deadline expires_;
  std::shared_ptr<char[]> packet_;
  absl::string_view request_;  // of packet_, or of parked_
  std::string parked_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_SEQPACKET_CALL_H_
