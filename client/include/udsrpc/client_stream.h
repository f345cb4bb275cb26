#ifndef UDSRPC_CLIENT_STREAM_H_
#define UDSRPC_CLIENT_STREAM_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "udsrpc/internal/call_count.h"
#include "udsrpc/internal/process_bound.h"
#include "udsrpc/unique_fd.h"

namespace google::protobuf {
class MessageLite;
}

namespace udsrpc {

class Channel;

// A streaming call as a transport carries it, without the types of its messages. Implemented by udsrpc and called by
// the typed faces below only: functions are added without notice. Keeps its channel alive; the context must outlive it.
// Reads and writes may each be under way in one thread at a time, beside each other.
class ClientStream {
 public:
  // Cancels the call if it has not ended.
  virtual ~ClientStream() = default;

  // Blocks for the next message. False: no more messages will come; Finish tells why (INTERNAL where one did not
  // parse).
  virtual bool Read(google::protobuf::MessageLite& message) = 0;
  // Blocks while the server has no room for the message. False: the call has ended or was half-closed; Finish tells
  // why. `message` is not kept. `last`: half-closes as well, which costs less than a WritesDone of its own.
  virtual bool Write(const google::protobuf::MessageLite& message, bool last) = 0;
  // The next message that is written takes `fds` along. For what writes. See ClientWriter::Write.
  virtual void AttachFds(std::vector<UniqueFd> fds) = 0;
  // The descriptors of the message that was read last, once; the next Read closes those that were not taken. For what
  // reads.
  virtual std::vector<UniqueFd> TakeFds() = 0;
  // Half-close: no more writes. Does nothing the second time. False: the call has ended.
  virtual bool WritesDone() = 0;
  // Blocks until ClientContext::server_initial_metadata() is there, or the call has ended. Counts as a read.
  virtual void WaitForInitialMetadata() = 0;
  // Blocks until the call has ended and returns its status; what was not read is dropped. Once, beside no Read or
  // Write.
  absl::Status Finish() {
    absl::Status status = FinishCall();
    count_.End(status.code());
    return status;
  }

  // What a child of fork(2) has in the place of its parent's: it has ended, with FAILED_PRECONDITION.
  static ClientStream& Elsewhere();

 private:
  friend class Channel;

  virtual absl::Status FinishCall() = 0;

  // Of the object that the caller has; those that it is made of have none. The count ends before its channel goes.
  std::shared_ptr<const Channel> channel_;
  internal::CallCount count_;
};

// The client's side of a server-streaming call. Movable; destroying it before Finish cancels the call.
template <typename Response>
class [[nodiscard]] ClientReader {
 public:
  explicit ClientReader(std::unique_ptr<ClientStream> stream) : stream_(std::move(stream)) {}

  bool Read(Response& message) { return stream_->Read(message); }
  // The descriptors that came with the message read last, the caller's from now on and close-on-exec; those that are
  // not taken are closed by the next Read or by Finish. See ChannelOptions::max_receive_fds.
  std::vector<UniqueFd> TakeFds() { return stream_->TakeFds(); }
  void WaitForInitialMetadata() { stream_->WaitForInitialMetadata(); }
  absl::Status Finish() { return stream_->Finish(); }

 private:
  internal::ProcessBound<ClientStream> stream_;
};

// The client's side of a client-streaming call. `response` must outlive it and holds the reply after an OK Finish; a
// server that says OK without a reply leaves it as it is, as in gRPC.
template <typename Request, typename Response>
class [[nodiscard]] ClientWriter {
 public:
  ClientWriter(std::unique_ptr<ClientStream> stream, Response& response)
      : stream_(std::move(stream)), response_(&response) {}

  bool Write(const Request& message) { return stream_->Write(message, /*last=*/false); }
  bool WriteLast(const Request& message) { return stream_->Write(message, /*last=*/true); }
  // The same with descriptors, of which the server gets duplicates; these are closed once they are sent. Waits, on a
  // new connection, for the server to say that it accepts them. Where it does not, and over gRPC, the call ends with
  // FAILED_PRECONDITION, and with RESOURCE_EXHAUSTED or INVALID_ARGUMENT as ClientContext::AttachFd says; the message
  // is not sent then, and this is false.
  bool Write(const Request& message, std::vector<UniqueFd> fds) {
    stream_->AttachFds(std::move(fds));
    return Write(message);
  }
  bool WriteLast(const Request& message, std::vector<UniqueFd> fds) {
    stream_->AttachFds(std::move(fds));
    return WriteLast(message);
  }
  bool WritesDone() { return stream_->WritesDone(); }
  void WaitForInitialMetadata() { stream_->WaitForInitialMetadata(); }
  // Half-closes where WritesDone has not, then waits for the reply and the status. Not beside Write. The reply's
  // descriptors are the context's: ClientContext::TakeFds.
  absl::Status Finish() {
    stream_->WritesDone();
    stream_->Read(*response_);
    return stream_->Finish();
  }

 private:
  internal::ProcessBound<ClientStream> stream_;
  Response* response_;
};

// The client's side of a bidirectional call. One thread may read while another writes.
template <typename Request, typename Response>
class [[nodiscard]] ClientReaderWriter {
 public:
  explicit ClientReaderWriter(std::unique_ptr<ClientStream> stream) : stream_(std::move(stream)) {}

  bool Read(Response& message) { return stream_->Read(message); }
  bool Write(const Request& message) { return stream_->Write(message, /*last=*/false); }
  bool WriteLast(const Request& message) { return stream_->Write(message, /*last=*/true); }
  // See ClientReader and ClientWriter.
  std::vector<UniqueFd> TakeFds() { return stream_->TakeFds(); }
  bool Write(const Request& message, std::vector<UniqueFd> fds) {
    stream_->AttachFds(std::move(fds));
    return Write(message);
  }
  bool WriteLast(const Request& message, std::vector<UniqueFd> fds) {
    stream_->AttachFds(std::move(fds));
    return WriteLast(message);
  }
  bool WritesDone() { return stream_->WritesDone(); }
  void WaitForInitialMetadata() { stream_->WaitForInitialMetadata(); }
  absl::Status Finish() { return stream_->Finish(); }

 private:
  internal::ProcessBound<ClientStream> stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_STREAM_H_
