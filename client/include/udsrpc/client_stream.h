#ifndef UDSRPC_CLIENT_STREAM_H_
#define UDSRPC_CLIENT_STREAM_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"

namespace google::protobuf {
class MessageLite;
}

namespace udsrpc {

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
  // Blocks while the stream has no credit. False: the call has ended; Finish tells why.
  virtual bool Write(const google::protobuf::MessageLite& message) = 0;
  // Half-close: no more writes. Does nothing the second time. False: the call has ended.
  virtual bool WritesDone() = 0;
  // Blocks until the call has ended and returns its status. Once, when all messages that are wanted have been read.
  virtual absl::Status Finish() = 0;
};

// The client's side of a server-streaming call. Movable; destroying it before Finish cancels the call.
template <typename Response>
class [[nodiscard]] ClientReader {
 public:
  explicit ClientReader(std::unique_ptr<ClientStream> stream) : stream_(std::move(stream)) {}

  bool Read(Response& message) { return stream_->Read(message); }
  absl::Status Finish() { return stream_->Finish(); }

 private:
  std::unique_ptr<ClientStream> stream_;
};

// The client's side of a client-streaming call. `response` must outlive it and holds the reply after an OK Finish.
template <typename Request, typename Response>
class [[nodiscard]] ClientWriter {
 public:
  ClientWriter(std::unique_ptr<ClientStream> stream, Response& response)
      : stream_(std::move(stream)), response_(&response) {}

  bool Write(const Request& message) { return stream_->Write(message); }
  bool WritesDone() { return stream_->WritesDone(); }
  // Half-closes where WritesDone has not, then waits for the reply and the status. Not beside Write.
  absl::Status Finish() {
    stream_->WritesDone();
    const bool replied = stream_->Read(*response_);
    absl::Status status = stream_->Finish();
    if (status.ok() && !replied) return absl::UnimplementedError("the server said OK without a reply");
    return status;
  }

 private:
  std::unique_ptr<ClientStream> stream_;
  Response* response_;
};

// The client's side of a bidirectional call. One thread may read while another writes.
template <typename Request, typename Response>
class [[nodiscard]] ClientReaderWriter {
 public:
  explicit ClientReaderWriter(std::unique_ptr<ClientStream> stream) : stream_(std::move(stream)) {}

  bool Read(Response& message) { return stream_->Read(message); }
  bool Write(const Request& message) { return stream_->Write(message); }
  bool WritesDone() { return stream_->WritesDone(); }
  absl::Status Finish() { return stream_->Finish(); }

 private:
  std::unique_ptr<ClientStream> stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_STREAM_H_
