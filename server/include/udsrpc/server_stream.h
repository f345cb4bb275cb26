#ifndef UDSRPC_SERVER_STREAM_H_
#define UDSRPC_SERVER_STREAM_H_

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
  // Sends the context's initial metadata now and not with the first message. Does nothing the second time.
  virtual void SendInitialMetadata() = 0;
};

// The faces of a stream in a handler. Valid until the handler returns. One thread may read while another writes.
template <typename Response>
class ServerWriter {
 public:
  explicit ServerWriter(ServerStream& stream) : stream_(stream) {}
  bool Write(const Response& message) { return stream_.Write(message); }
  void SendInitialMetadata() { stream_.SendInitialMetadata(); }

 private:
  ServerStream& stream_;
};

template <typename Request>
class ServerReader {
 public:
  explicit ServerReader(ServerStream& stream) : stream_(stream) {}
  bool Read(Request& message) { return stream_.Read(message); }
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
  void SendInitialMetadata() { stream_.SendInitialMetadata(); }

 private:
  ServerStream& stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_STREAM_H_
