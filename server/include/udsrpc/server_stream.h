#ifndef UDSRPC_SERVER_STREAM_H_
#define UDSRPC_SERVER_STREAM_H_

#include <utility>
#include <vector>

#include "udsrpc/unique_fd.h"

namespace google::protobuf {
class MessageLite;
}

namespace udsrpc {

// A streaming call as a transport carries it, without the types of its messages; handlers see the typed faces below.
// Implemented by udsrpc only: functions are added without notice. One thread may read while another writes.
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  // Blocks for the next message. False: the client half-closed, the call was cancelled, or the message's bytes do not
  // parse; then the call ends with INTERNAL whatever the handler returns.
  virtual bool Read(google::protobuf::MessageLite& message) = 0;
  // Blocks while the client has no room for the message. False: the call was cancelled. `message` is not kept. It has
  // been sent, or is on its way, when this returns; that it was read, nobody says.
  virtual bool Write(const google::protobuf::MessageLite& message) = 0;
  // The next message that is written takes `fds` along. For what writes. See ServerWriter::Write.
  virtual void AttachFds(std::vector<UniqueFd> fds) = 0;
  // The descriptors of the message that was read last, once; the next Read closes those that were not taken. For what
  // reads.
  virtual std::vector<UniqueFd> TakeFds() = 0;
  // Sends the context's initial metadata now and not with the first message. Does nothing the second time.
  virtual void SendInitialMetadata() = 0;
};

// The faces of a stream in a handler. Valid until the handler returns. One thread may read while another writes.
template <typename Response>
class ServerWriter {
 public:
  explicit ServerWriter(ServerStream& stream) : stream_(stream) {}
  bool Write(const Response& message) { return stream_.Write(message); }
  // The same with descriptors, of which the client gets duplicates; these are closed once they are sent. Where it
  // accepts none (ChannelOptions::max_receive_fds), and over gRPC (see Peer::transport), the call ends with
  // FAILED_PRECONDITION, with RESOURCE_EXHAUSTED where they are too many or the kernel takes no more, and with
  // INVALID_ARGUMENT where one is not valid; but for the kernel's word the message is not sent then, and this is false.
  bool Write(const Response& message, std::vector<UniqueFd> fds) {
    stream_.AttachFds(std::move(fds));
    return Write(message);
  }
  void SendInitialMetadata() { stream_.SendInitialMetadata(); }

 private:
  ServerStream& stream_;
};

template <typename Request>
class ServerReader {
 public:
  explicit ServerReader(ServerStream& stream) : stream_(stream) {}
  bool Read(Request& message) { return stream_.Read(message); }
  // The descriptors that came with the message read last, the caller's from now on and close-on-exec; those that are
  // not taken are closed by the next Read or with the call. See ServerOptions::max_receive_fds.
  std::vector<UniqueFd> TakeFds() { return stream_.TakeFds(); }
  void SendInitialMetadata() { stream_.SendInitialMetadata(); }

 private:
  ServerStream& stream_;
};

// Parameters in gRPC's order: what the server writes, then what it reads.
template <typename Response, typename Request>
class ServerReaderWriter {
 public:
  explicit ServerReaderWriter(ServerStream& stream) : stream_(stream) {}
  bool Read(Request& message) { return stream_.Read(message); }
  bool Write(const Response& message) { return stream_.Write(message); }
  // See ServerReader and ServerWriter.
  std::vector<UniqueFd> TakeFds() { return stream_.TakeFds(); }
  bool Write(const Response& message, std::vector<UniqueFd> fds) {
    stream_.AttachFds(std::move(fds));
    return Write(message);
  }
  void SendInitialMetadata() { stream_.SendInitialMetadata(); }

 private:
  ServerStream& stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_STREAM_H_
