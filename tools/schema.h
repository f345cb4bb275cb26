#ifndef UDSRPC_TOOLS_SCHEMA_H_
#define UDSRPC_TOOLS_SCHEMA_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "tools/exit_code.h"
#include "udsrpc/channel.h"

// The flags by which a user names .proto files; commands that open a schema take them: kSchemaFlags.
ABSL_DECLARE_FLAG(std::vector<std::string>, proto);
ABSL_DECLARE_FLAG(std::vector<std::string>, proto_path);

namespace udsrpc::tools {

// The services of a server and the messages of these, without generated code: as the server tells them by reflection,
// or as .proto files have them. Thread-safe but for what says otherwise.
class Schema {
 public:
  virtual ~Schema() = default;
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  // What descriptors and messages come from; they live as long as the schema. A lookup may ask the server; where it
  // finds nothing, outcome() says whether that is because the server could not be asked.
  virtual const google::protobuf::DescriptorPool& pool() const = 0;
  virtual Outcome outcome() const = 0;

  // The full names of the services, sorted. Not thread-safe.
  virtual Outcome ListServices(std::vector<std::string>* names) = 0;

  // All that is needed at once has been looked up: nothing at the server is held up any more.
  virtual void Rest() = 0;

  // Makes the messages; thread-safe, as is what it makes for one thread at a time.
  virtual google::protobuf::DynamicMessageFactory& messages() = 0;

  // "service pkg.Foo is not there", with what may have been meant; or why the server could not be asked.
  Outcome UnknownService(absl::string_view name);

 protected:
  Schema() = default;
};

// Of the server at the end of `channel`, or, where --proto says so, of these files; then the server is not asked.
Outcome OpenSchema(std::shared_ptr<Channel> channel, std::unique_ptr<Schema>* schema);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_SCHEMA_H_
