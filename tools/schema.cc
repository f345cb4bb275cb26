#include "tools/schema.h"

#include <algorithm>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/command_line.h"
#include "tools/proto_files.h"
#include "tools/reflection_database.h"

ABSL_FLAG(std::vector<std::string>, proto, {},
          "The .proto files of the services, with commas between them, for a server that does not tell of its methods");
ABSL_FLAG(std::vector<std::string>, proto_path, {},
          "Where to look for --proto and what it imports, with commas; the working directory where it is not given");

namespace udsrpc::tools {
namespace {

using google::protobuf::DescriptorPool;

// Of what the server describes wrongly: said by the command that finds nothing there.
class IgnoreErrors final : public DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& /*file*/, const std::string& /*element*/,
                const google::protobuf::Message* /*descriptor*/, ErrorLocation /*location*/,
                const std::string& /*message*/) override {}
};

class ReflectedSchema final : public Schema {
 public:
  explicit ReflectedSchema(std::shared_ptr<Channel> channel) : database_(std::move(channel)) {}

  const DescriptorPool& pool() const override { return pool_; }
  Outcome outcome() const override { return database_.outcome(); }
  Outcome ListServices(std::vector<std::string>* names) override {
    if (!database_.ListServices(names)) {
      Outcome outcome = database_.outcome();
      return outcome.code != ExitCode::kOk ? outcome : Outcome::Failed("the server does not list its services");
    }
    std::sort(names->begin(), names->end());
    return Outcome::Ok();
  }
  google::protobuf::DynamicMessageFactory& messages() override { return messages_; }
  void Rest() override { database_.Rest(); }

 private:
  IgnoreErrors errors_;
  ReflectionDatabase database_;
  const DescriptorPool pool_{&database_, &errors_};
  google::protobuf::DynamicMessageFactory messages_;  // behind the pool: its end looks at descriptors
};

}  // namespace

Outcome Schema::UnknownService(absl::string_view name) {
  std::vector<std::string> names;
  if (Outcome listed = ListServices(&names); listed.code != ExitCode::kOk) return listed;
  const std::string missing = absl::StrCat("there is no service ", name, " there");
  for (const std::string& known : names) {
    if (absl::EndsWith(known, absl::StrCat(".", name))) {
      return Outcome::Usage(absl::StrCat(missing, "; did you mean ", known, "?"));
    }
  }
  const std::string nearest = Nearest(name, std::vector<absl::string_view>(names.begin(), names.end()));
  if (!nearest.empty()) return Outcome::Usage(absl::StrCat(missing, "; did you mean ", nearest, "?"));
  return Outcome::Usage(absl::StrCat(missing, "; \"udsrpc list\" shows those that are"));
}

Outcome OpenSchema(std::shared_ptr<Channel> channel, std::unique_ptr<Schema>* schema) {
  const std::vector<std::string> files = absl::GetFlag(FLAGS_proto);
  if (!files.empty()) return OpenProtoFiles(files, absl::GetFlag(FLAGS_proto_path), schema);
  *schema = std::make_unique<ReflectedSchema>(std::move(channel));
  return Outcome::Ok();
}

}  // namespace udsrpc::tools
