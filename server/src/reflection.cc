#include "udsrpc/reflection.h"

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "google/protobuf/descriptor.h"
#include "grpc/reflection/v1/reflection.udsrpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.udsrpc.pb.h"
#include "server/src/described_files.h"
#include "server/src/handler_end.h"
#include "udsrpc/internal/mutex.h"
#include "udsrpc/spawn.h"

namespace udsrpc {
namespace {

// Names of the server's services, in the order of their registration.
using Names = std::vector<std::string>;

template <typename Response>
void FillFiles(absl::StatusOr<DescribedFiles::Files> files, Response& response, absl::Status& status) {
  if (!files.ok()) {
    status = files.status();
    return;
  }
  auto& answer = *response.mutable_file_descriptor_response();
  for (std::string& file : *files) answer.add_file_descriptor_proto(std::move(file));
}

// The messages of v1 and v1alpha are the same but for their names.
template <typename Request, typename Response>
Response AnswerTo(const Request& request, const Names& names) {
  const DescribedFiles files(*google::protobuf::DescriptorPool::generated_pool());
  Response response;
  absl::Status status;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      FillFiles(files.OfName(request.file_by_filename()), response, status);
      break;
    case Request::kFileContainingSymbol:
      FillFiles(files.OfSymbol(request.file_containing_symbol()), response, status);
      break;
    case Request::kFileContainingExtension: {
      const auto& extension = request.file_containing_extension();
      FillFiles(files.OfExtension(extension.containing_type(), extension.extension_number()), response, status);
      break;
    }
    case Request::kAllExtensionNumbersOfType: {
      const absl::StatusOr<std::vector<int32_t>> numbers =
          files.ExtensionNumbersOf(request.all_extension_numbers_of_type());
      status = numbers.status();
      if (!numbers.ok()) break;
      auto& answer = *response.mutable_all_extension_numbers_response();
      answer.set_base_type_name(request.all_extension_numbers_of_type());
      answer.mutable_extension_number()->Add(numbers->begin(), numbers->end());
      break;
    }
    case Request::kListServices: {
      auto& answer = *response.mutable_list_services_response();
      for (const std::string& name : names) answer.add_service()->set_name(name);
      break;
    }
    default:
      status = absl::UnimplementedError("the request asks for nothing that is known here");
  }
  if (!status.ok()) {
    response.mutable_error_response()->set_error_code(static_cast<int>(status.code()));
    response.mutable_error_response()->set_error_message(std::string(status.message()));
  }
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  return response;
}

template <typename Request, typename Response>
Task<> Converse(AsyncServerReaderWriter<Response, Request> stream, std::shared_ptr<const Names> names,
                std::shared_ptr<HandlerEnd> end) {
  for (;;) {
    const std::optional<Request> request = co_await stream.Read();
    if (!request) break;
    const Response response = AnswerTo<Request, Response>(*request, *names);
    const bool written = co_await stream.Write(response);
    if (!written) break;
  }
  end->Set(absl::OkStatus());
}

}  // namespace

// The streams that are open, over both services.
class Reflection::Streams {
 public:
  template <typename Request, typename Response>
  Task<absl::Status> Serve(AsyncServerReaderWriter<Response, Request> stream) {
    const auto end = std::make_shared<HandlerEnd>();
    if (std::shared_ptr<const Names> names = Add(end)) {
      Task<> conversation = Converse<Request, Response>(stream, std::move(names), end);
      Spawn(std::move(conversation));
    } else {
      end->Set(Ended());
    }
    absl::Status status = co_await end->Await();
    Remove(end);
    co_return status;
  }

  void Start(std::shared_ptr<const Names> names) {
    const internal::MutexLock lock(mutex_);
    names_ = std::move(names);
  }

  void End() {
    absl::flat_hash_set<std::shared_ptr<HandlerEnd>> open;
    {
      const internal::MutexLock lock(mutex_);
      names_ = nullptr;
      open.swap(open_);
    }
    for (const std::shared_ptr<HandlerEnd>& end : open) end->Set(Ended());
  }

 private:
  static absl::Status Ended() { return absl::UnavailableError("the server is shutting down"); }

  // Null: the server has ended.
  std::shared_ptr<const Names> Add(const std::shared_ptr<HandlerEnd>& end) {
    const internal::MutexLock lock(mutex_);
    if (names_ != nullptr) open_.insert(end);
    return names_;
  }
  void Remove(const std::shared_ptr<HandlerEnd>& end) {
    const internal::MutexLock lock(mutex_);
    open_.erase(end);
  }

  internal::Mutex mutex_;
  std::shared_ptr<const Names> names_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::shared_ptr<HandlerEnd>> open_ ABSL_GUARDED_BY(mutex_);
};

namespace {

template <typename Base, typename Request, typename Response, typename Streams>
class ReflectionService final : public Base {
 public:
  explicit ReflectionService(std::shared_ptr<Streams> streams) : streams_(std::move(streams)) {}

 private:
  Task<absl::Status> ServerReflectionInfoAsync(ServerContext& /*context*/,
                                               AsyncServerReaderWriter<Response, Request> stream) override {
    return streams_->template Serve<Request, Response>(std::move(stream));
  }

  const std::shared_ptr<Streams> streams_;
};

namespace v1 = grpc::reflection::v1;
namespace v1alpha = grpc::reflection::v1alpha;

}  // namespace

Reflection::Reflection()
    : streams_(std::make_shared<Streams>()),
      v1_(std::make_unique<ReflectionService<v1::ServerReflectionService, v1::ServerReflectionRequest,
                                             v1::ServerReflectionResponse, Streams>>(streams_)),
      v1alpha_(std::make_unique<ReflectionService<v1alpha::ServerReflectionService, v1alpha::ServerReflectionRequest,
                                                  v1alpha::ServerReflectionResponse, Streams>>(streams_)) {}

Reflection::~Reflection() = default;

std::vector<Service*> Reflection::services() { return {v1_.get(), v1alpha_.get()}; }

absl::Status Reflection::OnStart(const ServerInfo& server) {
  auto names = std::make_shared<Names>();
  for (const Service* service : server.services) names->push_back(service->name());
  streams_->Start(std::move(names));
  return absl::OkStatus();
}

void Reflection::OnEnd() { streams_->End(); }

}  // namespace udsrpc
