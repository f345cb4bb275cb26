#ifndef UDSRPC_SERVICE_H_
#define UDSRPC_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/async_server_stream.h"
#include "udsrpc/method.h"
#include "udsrpc/server_context.h"
#include "udsrpc/server_stream.h"
#include "udsrpc/task.h"

namespace udsrpc {

// A method of a service as the server dispatches it: its path, kind and message types, and its handlers with the types
// erased. Generated code makes these from the service's member functions. Handlers are called by many threads at once;
// one that throws ends its call with UNKNOWN.
//
// A method may have two handlers. The coroutine, where there is one, is asked first; where it gives no task, the call
// is the other's. What both are given lives until the coroutine has ended.
class ServerMethod {
 public:
  using Message = google::protobuf::MessageLite;
  using UnaryHandler = std::function<absl::Status(ServerContext&, const Message& request, Message& response)>;
  using ServerStreamHandler = std::function<absl::Status(ServerContext&, const Message& request, ServerStream&)>;
  using ClientStreamHandler = std::function<absl::Status(ServerContext&, ServerStream&, Message& response)>;
  using BidiStreamHandler = std::function<absl::Status(ServerContext&, ServerStream&)>;

  // Of any kind: request and response are null where the kind has a stream of them, and so is the stream where it has
  // none.
  using CoroutineHandler = std::function<Task<absl::Status>(
      ServerContext&, const Message* request, const std::shared_ptr<AsyncServerStream>&, Message* response)>;

  // `path` is "/package.Service/Method"; `service` must outlive the method. `coroutine` may be null.
  template <typename Service, typename Request, typename Response>
  static ServerMethod Unary(absl::string_view path, Service* service,
                            absl::Status (Service::*handler)(ServerContext&, const Request&, Response&),
                            Task<absl::Status> (Service::*coroutine)(ServerContext&, const Request&,
                                                                     Response&) = nullptr) {
    ServerMethod method(path, MethodKind::kUnary, Request::default_instance(), Response::default_instance());
    method.unary_ = [service, handler](ServerContext& context, const Message& request, Message& response) {
      return (service->*handler)(context, static_cast<const Request&>(request), static_cast<Response&>(response));
    };
    if (coroutine == nullptr) return method;
    method.coroutine_ = [service, coroutine](ServerContext& context, const Message* request,
                                             const std::shared_ptr<AsyncServerStream>& /*stream*/, Message* response) {
      return (service->*coroutine)(context, static_cast<const Request&>(*request), static_cast<Response&>(*response));
    };
    return method;
  }

  template <typename Service, typename Request, typename Response>
  static ServerMethod ServerStreaming(absl::string_view path, Service* service,
                                      absl::Status (Service::*handler)(ServerContext&, const Request&,
                                                                       ServerWriter<Response>&),
                                      Task<absl::Status> (Service::*coroutine)(ServerContext&, const Request&,
                                                                               AsyncServerWriter<Response>) = nullptr) {
    ServerMethod method(path, MethodKind::kServerStreaming, Request::default_instance(), Response::default_instance());
    method.server_stream_ = [service, handler](ServerContext& context, const Message& request, ServerStream& stream) {
      ServerWriter<Response> writer(stream);
      return (service->*handler)(context, static_cast<const Request&>(request), writer);
    };
    if (coroutine == nullptr) return method;
    method.coroutine_ = [service, coroutine](ServerContext& context, const Message* request,
                                             const std::shared_ptr<AsyncServerStream>& stream, Message* /*response*/) {
      return (service->*coroutine)(context, static_cast<const Request&>(*request), AsyncServerWriter<Response>(stream));
    };
    return method;
  }

  template <typename Service, typename Request, typename Response>
  static ServerMethod ClientStreaming(
      absl::string_view path, Service* service,
      absl::Status (Service::*handler)(ServerContext&, ServerReader<Request>&, Response&),
      Task<absl::Status> (Service::*coroutine)(ServerContext&, AsyncServerReader<Request>, Response&) = nullptr) {
    ServerMethod method(path, MethodKind::kClientStreaming, Request::default_instance(), Response::default_instance());
    method.client_stream_ = [service, handler](ServerContext& context, ServerStream& stream, Message& response) {
      ServerReader<Request> reader(stream);
      return (service->*handler)(context, reader, static_cast<Response&>(response));
    };
    if (coroutine == nullptr) return method;
    method.coroutine_ = [service, coroutine](ServerContext& context, const Message* /*request*/,
                                             const std::shared_ptr<AsyncServerStream>& stream, Message* response) {
      return (service->*coroutine)(context, AsyncServerReader<Request>(stream), static_cast<Response&>(*response));
    };
    return method;
  }

  template <typename Service, typename Request, typename Response>
  static ServerMethod BidiStreaming(
      absl::string_view path, Service* service,
      absl::Status (Service::*handler)(ServerContext&, ServerReaderWriter<Response, Request>&),
      Task<absl::Status> (Service::*coroutine)(ServerContext&, AsyncServerReaderWriter<Response, Request>) = nullptr) {
    ServerMethod method(path, MethodKind::kBidiStreaming, Request::default_instance(), Response::default_instance());
    method.bidi_stream_ = [service, handler](ServerContext& context, ServerStream& stream) {
      ServerReaderWriter<Response, Request> reader_writer(stream);
      return (service->*handler)(context, reader_writer);
    };
    if (coroutine == nullptr) return method;
    method.coroutine_ = [service, coroutine](ServerContext& context, const Message* /*request*/,
                                             const std::shared_ptr<AsyncServerStream>& stream, Message* /*response*/) {
      return (service->*coroutine)(context, AsyncServerReaderWriter<Response, Request>(stream));
    };
    return method;
  }

  const std::string& path() const { return path_; }
  MethodKind kind() const { return kind_; }
  const Message& request_prototype() const { return *request_; }
  const Message& response_prototype() const { return *response_; }

  // The one that fits kind(); the others are empty.
  const UnaryHandler& unary() const { return unary_; }
  const ServerStreamHandler& server_stream() const { return server_stream_; }
  const ClientStreamHandler& client_stream() const { return client_stream_; }
  const BidiStreamHandler& bidi_stream() const { return bidi_stream_; }
  // Empty where there is none.
  const CoroutineHandler& coroutine() const { return coroutine_; }

 private:
  ServerMethod(absl::string_view path, MethodKind kind, const Message& request, const Message& response)
      : path_(path), kind_(kind), request_(&request), response_(&response) {}

  std::string path_;
  MethodKind kind_;
  const Message* request_;
  const Message* response_;
  UnaryHandler unary_;
  ServerStreamHandler server_stream_;
  ClientStreamHandler client_stream_;
  BidiStreamHandler bidi_stream_;
  CoroutineHandler coroutine_;
};

// The base of every generated service. Derive from the generated class, not from this one.
class Service {
 public:
  virtual ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // "package.Service".
  const std::string& name() const { return name_; }
  const std::vector<ServerMethod>& methods() const { return methods_; }

 protected:
  explicit Service(absl::string_view name) : name_(name) {}
  void AddMethod(ServerMethod method) { methods_.push_back(std::move(method)); }

 private:
  std::string name_;
  std::vector<ServerMethod> methods_;
};

}  // namespace udsrpc

#endif  // UDSRPC_SERVICE_H_
