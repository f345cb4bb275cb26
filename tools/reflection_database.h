#ifndef UDSRPC_TOOLS_REFLECTION_DATABASE_H_
#define UDSRPC_TOOLS_REFLECTION_DATABASE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/descriptor_database.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "tools/exit_code.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/internal/mutex.h"

namespace udsrpc::tools {

// The .proto files of a server, as it tells them by server reflection, v1 or v1alpha; each is asked for once. Every
// stream is bounded by --timeout, and a minute, and brings --metadata. Thread-safe.
class ReflectionDatabase final : public google::protobuf::DescriptorDatabase {
 public:
  using File = google::protobuf::FileDescriptorProto;

  explicit ReflectionDatabase(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

  // False: the server knows none, or could not be asked; then outcome() says why from then on.
  bool FindFileByName(const std::string& name, File* file) override;
  bool FindFileContainingSymbol(const std::string& symbol, File* file) override;
  bool FindFileContainingExtension(const std::string& type, int number, File* file) override;
  bool FindAllExtensionNumbers(const std::string& type, std::vector<int>* numbers) override;

  // False as above.
  bool ListServices(std::vector<std::string>* names);

  // Why the server could not be asked, or OK.
  Outcome outcome() const;
  // Ends the stream, so that it holds up nothing at the server; what is asked for later begins another.
  void Rest();

 private:
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;

  // False: no answer, or an error for one.
  bool Ask(const Request& request, Response* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The status that a stream ended with before it answered; OK: it has answered.
  absl::Status Exchange(const Request& request, Response* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Keep(const Response& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<Channel> channel_;
  mutable internal::Mutex mutex_;
  bool v1alpha_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<ClientContext> context_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ClientStream> stream_ ABSL_GUARDED_BY(mutex_);
  Outcome outcome_ ABSL_GUARDED_BY(mutex_);
  google::protobuf::SimpleDescriptorDatabase files_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_REFLECTION_DATABASE_H_
