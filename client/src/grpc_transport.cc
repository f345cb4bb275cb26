#include "client/src/grpc_transport.h"
