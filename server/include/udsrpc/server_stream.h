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

  // Blocks for the next message. False: the client half-closed, or the call was cancelled.
  virtual bool Read(google::protobuf::MessageLite& message) = 0;
  // Blocks while the stream has no credit. False: the call was cancelled.
  virtual bool Write(const google::protobuf::MessageLite& message) = 0;
};

// The faces of a stream in a handler. Valid until the handler returns.
template <typename Response>
class ServerWriter {
 public:
  explicit ServerWriter(ServerStream& stream) : stream_(stream) {}
  bool Write(const Response& message) { return stream_.Write(message); }

 private:
  ServerStream& stream_;
};

template <typename Request>
class ServerReader {
 public:
  explicit ServerReader(ServerStream& stream) : stream_(stream) {}
  bool Read(Request& message) { return stream_.Read(message); }

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

 private:
  ServerStream& stream_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVER_STREAM_H_
