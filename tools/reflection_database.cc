#include "tools/reflection_database.h"

#include <algorithm>
#include <utility>

#include "absl/flags/flag.h"
#include "tools/flags.h"
#include "tools/target.h"

namespace udsrpc::tools {
namespace {

// The messages of the two are the same on the wire, so those of v1 serve for both.
constexpr MethodDescriptor kReflectionV1{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                         MethodKind::kBidiStreaming};
constexpr MethodDescriptor kReflectionV1Alpha{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                              MethodKind::kBidiStreaming};

// Where --timeout is for a call that goes on for longer.
constexpr absl::Duration kLongestReflection = absl::Minutes(1);

}  // namespace

bool ReflectionDatabase::FindFileByName(const std::string& name, File* file) {
  const internal::MutexLock lock(mutex_);
  if (files_.FindFileByName(name, file)) return true;
  Request request;
  request.set_file_by_filename(name);
  Response response;
  return Ask(request, &response) && files_.FindFileByName(name, file);
}

bool ReflectionDatabase::FindFileContainingSymbol(const std::string& symbol, File* file) {
  const internal::MutexLock lock(mutex_);
  if (files_.FindFileContainingSymbol(symbol, file)) return true;
  Request request;
  request.set_file_containing_symbol(symbol);
  Response response;
  return Ask(request, &response) && files_.FindFileContainingSymbol(symbol, file);
}

bool ReflectionDatabase::FindFileContainingExtension(const std::string& type, int number, File* file) {
  const internal::MutexLock lock(mutex_);
  if (files_.FindFileContainingExtension(type, number, file)) return true;
  Request request;
  request.mutable_file_containing_extension()->set_containing_type(type);
  request.mutable_file_containing_extension()->set_extension_number(number);
  Response response;
  return Ask(request, &response) && files_.FindFileContainingExtension(type, number, file);
}

bool ReflectionDatabase::FindAllExtensionNumbers(const std::string& type, std::vector<int>* numbers) {
  const internal::MutexLock lock(mutex_);
  Request request;
  request.set_all_extension_numbers_of_type(type);
  Response response;
  if (!Ask(request, &response)) return false;
  const auto& found = response.all_extension_numbers_response().extension_number();
  numbers->assign(found.begin(), found.end());
  return true;
}

bool ReflectionDatabase::ListServices(std::vector<std::string>* names) {
  const internal::MutexLock lock(mutex_);
  Request request;
  request.set_list_services("*");
  Response response;
  if (!Ask(request, &response)) return false;
  for (const auto& service : response.list_services_response().service()) names->push_back(service.name());
  return true;
}

Outcome ReflectionDatabase::outcome() const {
  const internal::MutexLock lock(mutex_);
  return outcome_;
}

void ReflectionDatabase::Rest() {
  const internal::MutexLock lock(mutex_);
  if (stream_ == nullptr) return;
  if (stream_->WritesDone()) static_cast<void>(stream_->Finish());
  stream_.reset();
  context_.reset();
}

bool ReflectionDatabase::Ask(const Request& request, Response* response) {
  if (outcome_.code != ExitCode::kOk) return false;
  const bool first = stream_ == nullptr;
  absl::Status status = Exchange(request, response);
  if (first && !v1alpha_ && absl::IsUnimplemented(status)) {
    v1alpha_ = true;
    status = Exchange(request, response);
  }
  if (absl::IsUnimplemented(status)) {
    outcome_ = Outcome::Failed(
        "the server does not tell of its methods (it has no server reflection); name their .proto files with --proto");
  } else if (!status.ok() && outcome_.code == ExitCode::kOk) {
    outcome_ = CallOutcome(channel_->target(), status);
  }
  if (!status.ok() || response->has_error_response()) return false;
  Keep(*response);
  return true;
}

absl::Status ReflectionDatabase::Exchange(const Request& request, Response* response) {
  if (stream_ == nullptr) {
    context_ = std::make_unique<ClientContext>();
    outcome_ = PrepareContext(context_.get());
    if (outcome_.code != ExitCode::kOk) return absl::InvalidArgumentError(outcome_.message);
    context_->set_timeout(std::min(absl::GetFlag(FLAGS_timeout), kLongestReflection));
    stream_ = channel_->StreamingCall(v1alpha_ ? kReflectionV1Alpha : kReflectionV1, *context_, nullptr);
  }
  if (stream_->Write(request, /*last=*/false) && stream_->Read(*response)) return absl::OkStatus();
  absl::Status status = stream_->Finish();
  stream_.reset();
  context_.reset();
  return status.ok() ? absl::UnavailableError("the server ended its reflection before it answered") : status;
}

void ReflectionDatabase::Keep(const Response& response) {
  for (const std::string& serialized : response.file_descriptor_response().file_descriptor_proto()) {
    File file;
    if (file.ParseFromString(serialized) && names_.insert(file.name()).second) files_.Add(file);
  }
}

}  // namespace udsrpc::tools
