#ifndef UDSRPC_CLIENT_SEQPACKET_STREAM_H_
#define UDSRPC_CLIENT_SEQPACKET_STREAM_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/src/seqpacket_call.h"
#include "client/src/seqpacket_connection.h"
#include "client/src/seqpacket_connector.h"
#include "common/src/deadline.h"
#include "common/src/stream/message_reader.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/method.h"

namespace udsrpc {

// A streaming call on a seqpacket connection, driven by the threads that use it.
class SeqpacketStream final : public ClientStream {
 public:
  // `connector`, which made `connection`, must outlive the stream.
  SeqpacketStream(SeqpacketConnector& connector, std::shared_ptr<SeqpacketConnection> connection,
                  const MethodDescriptor& method, ClientContext& context, Deadline deadline, size_t max_message_bytes);
  ~SeqpacketStream() override;

  // Sends the CALL. False: the call cannot have run and may be made again on another connection.
  bool Open(const google::protobuf::MessageLite* request);

  bool Read(google::protobuf::MessageLite& message) override;
  bool Write(const google::protobuf::MessageLite& message, bool last) override;
  void AttachFds(std::vector<UniqueFd> fds) override;
  std::vector<UniqueFd> TakeFds() override;
  bool WritesDone() override;
  void WaitForInitialMetadata() override;

 private:
  absl::Status FinishCall() override;
  void LetGo();
  // Those of the message that has been read. False: they were dropped, as the call has ended here.
  bool KeepFds();

  SeqpacketConnector& connector_;
  const std::shared_ptr<SeqpacketConnection> connection_;
  SeqpacketCall call_;
  MessageReader reader_;
  absl::Status malformed_;                           // where a message did not parse
  internal::OutgoingFds next_fds_;                   // of the next message to be written
  std::unique_ptr<internal::IncomingFds> read_fds_;  // of the message read last; null: none
  bool attached_ = false;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_SEQPACKET_STREAM_H_
