#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "udsrpc/server.h"

// What a ServerBuilder collects. It does not depend on the transports that there are, as server_builder.cc does, so
// that libraries may add to a builder without a choice between udsrpc::udsrpc and udsrpc::seqpacket.

namespace udsrpc {

ServerBuilder& ServerBuilder::AddEndpoint(absl::string_view target, EndpointOptions options) {
  endpoints_.emplace_back(std::string(target), std::move(options));
  return *this;
}

ServerBuilder& ServerBuilder::AddAutobindEndpoint(EndpointOptions options) {
  endpoints_.emplace_back(std::nullopt, std::move(options));
  return *this;
}

ServerBuilder& ServerBuilder::AddUnnamedEndpoint(EndpointOptions options) {
  unnamed_endpoint_ = std::move(options);
  return *this;
}

ServerBuilder& ServerBuilder::AddRemoteEndpoint(absl::string_view address,
                                                std::shared_ptr<const ServerCredentials> credentials) {
  remote_endpoints_.emplace_back(std::string(address), std::move(credentials));
  return *this;
}

ServerBuilder& ServerBuilder::RegisterService(Service* service) {
  services_.push_back(service);
  return *this;
}

ServerBuilder& ServerBuilder::AddExtension(ServerExtension* extension) {
  extensions_.push_back(extension);
  return *this;
}

ServerBuilder& ServerBuilder::SetMethodOptions(absl::string_view path, MethodOptions options) {
  method_options_[std::string(path)] = std::move(options);
  return *this;
}

ServerBuilder& ServerBuilder::AddListeningSocket(UniqueFd fd, EndpointOptions options) {
  passed_sockets_.emplace_back(std::make_shared<UniqueFd>(std::move(fd)), std::move(options));
  return *this;
}

ServerBuilder& ServerBuilder::EnableTakeover(absl::string_view path, TakeoverOptions options) {
  takeover_path_ = std::string(path);
  takeover_options_ = options;
  return *this;
}

}  // namespace udsrpc
