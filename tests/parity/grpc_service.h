#ifndef UDSRPC_TESTS_PARITY_GRPC_SERVICE_H_
#define UDSRPC_TESTS_PARITY_GRPC_SERVICE_H_

#include <grpcpp/server_context.h>

#include "parity.grpc.pb.h"
#include "tests/parity/server_call.h"

namespace udsrpc::parity {

// gRPC's generated service, blocking, with a script behind all its methods.
class StockService final : public Calls::Service {
 public:
  explicit StockService(Script script) : script_(std::move(script)) {}

  grpc::Status Unary(grpc::ServerContext* context, const Note* request, Note* reply) override;
  grpc::Status ServerStream(grpc::ServerContext* context, const Note* request,
                            grpc::ServerWriter<Note>* writer) override;
  grpc::Status ClientStream(grpc::ServerContext* context, grpc::ServerReader<Note>* reader, Note* reply) override;
  grpc::Status Bidi(grpc::ServerContext* context, grpc::ServerReaderWriter<Note, Note>* stream) override;

 private:
  const Script script_;
};

}  // namespace udsrpc::parity

#endif  // UDSRPC_TESTS_PARITY_GRPC_SERVICE_H_
