#include "udsrpc/grpc_services.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "server/src/grpc_forwarded_call.h"
#include "server/src/grpc_forwarding_service.h"
#include "server/src/grpc_peer_entry.h"

namespace udsrpc {
namespace {

// They hand messages on, and wait for nothing.
constexpr int kThreads = 2;

// From the kernel: libstdc++ takes it from getrandom(2) or the CPU.
std::string MakeToken() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&token, absl::Hex(random(), absl::kZeroPad8));
  return token;
}

}  // namespace

class GrpcServices::Backend {
 public:
  ~Backend() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    target_->queue.Shutdown();
    for (std::thread& thread : threads_) thread.join();
  }

  void Add(absl::string_view name, grpc::Service* service) { services_.emplace_back(name, service); }

  absl::Status RegisterWith(ServerBuilder& builder) {
    if (server_ != nullptr) return absl::FailedPreconditionError("GrpcServices::RegisterWith was called before");
    std::vector<const google::protobuf::ServiceDescriptor*> descriptors;
    if (absl::Status status = Check(descriptors); !status.ok()) return status;
    grpc::ServerBuilder inner;
    // Limits are those of the server that the calls come by.
    inner.SetMaxReceiveMessageSize(-1);
    for (const auto& [name, service] : services_) inner.RegisterService(service);
    server_ = inner.BuildAndStart();
    if (server_ == nullptr) return absl::InternalError("gRPC does not start a server of these services");
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    target_ = std::make_unique<GrpcForwardingTarget>(server_->InProcessChannel(arguments));
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Poll(); });
    for (const auto* descriptor : descriptors) {
      forwarding_.push_back(std::make_unique<GrpcForwardingService>(*descriptor, *target_, token_));
      builder.RegisterService(forwarding_.back().get());
    }
    return absl::OkStatus();
  }

  const std::string& token() const { return token_; }

 private:
  void Poll() {
    void* tag;
    bool ok;
    while (target_->queue.Next(&tag, &ok)) static_cast<GrpcForwardedOperation*>(tag)->End(ok);
  }

  absl::Status Check(std::vector<const google::protobuf::ServiceDescriptor*>& descriptors) const {
    std::set<std::string> names;
    for (const auto& [name, service] : services_) {
      if (service == nullptr) return absl::InvalidArgumentError(absl::StrCat("service ", name, " is null"));
      if (service->has_async_methods() || service->has_generic_methods()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "service ", name, " has methods with a completion queue or generic ones, which are not served; make it a ",
            "Service or a CallbackService"));
      }
      if (!names.insert(name).second) {
        return absl::AlreadyExistsError(absl::StrCat("service ", name, " is added twice; add it once"));
      }
      const auto* const descriptor = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      if (descriptor == nullptr) {
        return absl::NotFoundError(absl::StrCat("service ", name, " has no descriptor in this program; link its ",
                                                ".pb.cc, which must not be of the lite runtime"));
      }
      descriptors.push_back(descriptor);
    }
    return absl::OkStatus();
  }

  const std::string token_ = MakeToken();
  std::vector<std::pair<std::string, grpc::Service*>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<GrpcForwardingTarget> target_;
  std::vector<std::thread> threads_;
  std::vector<std::unique_ptr<GrpcForwardingService>> forwarding_;  // destroyed before the server
};

GrpcServices::GrpcServices() : backend_(std::make_unique<Backend>()) {}
GrpcServices::~GrpcServices() = default;

GrpcServices& GrpcServices::Add(absl::string_view name, grpc::Service* service) {
  backend_->Add(name, service);
  return *this;
}

absl::Status GrpcServices::RegisterWith(ServerBuilder& builder) { return backend_->RegisterWith(builder); }

std::optional<GrpcPeer> GrpcServices::PeerOf(const grpc::ServerContextBase& context) const {
  const auto [begin, end] = context.client_metadata().equal_range(kGrpcPeerKey);
  if (begin == end) return std::nullopt;
  return ReadGrpcPeerEntry(backend_->token(), {begin->second.data(), begin->second.size()});
}

}  // namespace udsrpc
