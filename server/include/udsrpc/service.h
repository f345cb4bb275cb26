#ifndef UDSRPC_SERVICE_H_
#define UDSRPC_SERVICE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "udsrpc/method.h"
#include "udsrpc/server_context.h"
#include "udsrpc/server_stream.h"

namespace udsrpc {

// A method of a service as the server dispatches it: its path, kind and message types, and the handler with the types
// erased. Generated code makes these from the service's member functions. Handlers are called by many threads at once.
class ServerMethod {
 public:
  using UnaryHandler = std::function<absl::Status(ServerContext&, const google::protobuf::MessageLite& request,
                                                  google::protobuf::MessageLite& response)>;
  using StreamHandler = std::function<absl::Status(ServerContext&, ServerStream&)>;

  // `path` is "/package.Service/Method"; `service` must outlive the method.
  template <typename Service, typename Request, typename Response>
  static ServerMethod Unary(absl::string_view path, Service* service,
                            absl::Status (Service::*handler)(ServerContext&, const Request&, Response&)) {
    ServerMethod method(path, MethodKind::kUnary, Request::default_instance(), Response::default_instance());
    method.unary_ = [service, handler](ServerContext& context, const google::protobuf::MessageLite& request,
                                       google::protobuf::MessageLite& response) {
      return (service->*handler)(context, static_cast<const Request&>(request), static_cast<Response&>(response));
    };
    return method;
  }

  template <typename Service, typename Request, typename Response>
  static ServerMethod ServerStreaming(absl::string_view path, Service* service,
                                      absl::Status (Service::*handler)(ServerContext&, const Request&,
                                                                       ServerWriter<Response>&)) {
    ServerMethod method(path, MethodKind::kServerStreaming, Request::default_instance(), Response::default_instance());
    method.stream_ = [service, handler](ServerContext& context, ServerStream& stream) {
      Request request;
      if (!stream.Read(request)) return absl::CancelledError("the call ended before its request arrived");
      ServerWriter<Response> writer(stream);
      return (service->*handler)(context, request, writer);
    };
    return method;
  }

  template <typename Service, typename Request, typename Response>
  static ServerMethod ClientStreaming(absl::string_view path, Service* service,
                                      absl::Status (Service::*handler)(ServerContext&, ServerReader<Request>&,
                                                                       Response&)) {
    ServerMethod method(path, MethodKind::kClientStreaming, Request::default_instance(), Response::default_instance());
    method.stream_ = [service, handler](ServerContext& context, ServerStream& stream) {
      Response response;
      ServerReader<Request> reader(stream);
      absl::Status status = (service->*handler)(context, reader, response);
      if (status.ok()) stream.Write(response);
      return status;
    };
    return method;
  }

  template <typename Service, typename Request, typename Response>
  static ServerMethod BidiStreaming(absl::string_view path, Service* service,
                                    absl::Status (Service::*handler)(ServerContext&,
                                                                     ServerReaderWriter<Response, Request>&)) {
    ServerMethod method(path, MethodKind::kBidiStreaming, Request::default_instance(), Response::default_instance());
    method.stream_ = [service, handler](ServerContext& context, ServerStream& stream) {
      ServerReaderWriter<Response, Request> reader_writer(stream);
      return (service->*handler)(context, reader_writer);
    };
    return method;
  }

  const std::string& path() const { return path_; }
  MethodKind kind() const { return kind_; }
  const google::protobuf::MessageLite& request_prototype() const { return *request_; }
  const google::protobuf::MessageLite& response_prototype() const { return *response_; }

  // The one that fits kind(); the other is empty.
  const UnaryHandler& unary() const { return unary_; }
  const StreamHandler& stream() const { return stream_; }

 private:
  ServerMethod(absl::string_view path, MethodKind kind, const google::protobuf::MessageLite& request,
               const google::protobuf::MessageLite& response)
      : path_(path), kind_(kind), request_(&request), response_(&response) {}

  std::string path_;
  MethodKind kind_;
  const google::protobuf::MessageLite* request_;
  const google::protobuf::MessageLite* response_;
  UnaryHandler unary_;
  StreamHandler stream_;
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
