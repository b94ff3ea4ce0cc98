// Types only: every function is reached through a table filled at run time, so nothing links against the loader.
#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

// VK_KHR_cooperative_matrix came with headers 1.3.255; Debian 12 has 1.3.239.
#ifndef VK_KHR_cooperative_matrix
typedef struct VkCooperativeMatrixPropertiesKHR {
  VkStructureType sType;
  void *pNext;
  uint32_t MSize, NSize, KSize;
  uint32_t AType, BType, CType, ResultType;
  VkBool32 saturatingAccumulation;
  uint32_t scope;
} VkCooperativeMatrixPropertiesKHR;
typedef struct VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
  VkStructureType sType;
  void *pNext;
  VkBool32 cooperativeMatrix;
  VkBool32 cooperativeMatrixRobustBufferAccess;
} VkPhysicalDeviceCooperativeMatrixFeaturesKHR;
typedef VkResult (VKAPI_PTR *PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)(
    VkPhysicalDevice, uint32_t *, VkCooperativeMatrixPropertiesKHR *);
#endif

// Whichever header declares the structures above, their tags and component types are read by number, so that both
// import into Swift alike.
enum {
  PUMICE_COOPERATIVE_MATRIX_FEATURES = 1000506000,
  PUMICE_COOPERATIVE_MATRIX_PROPERTIES = 1000506001
};
static inline uint32_t pumice_component_type(const VkCooperativeMatrixPropertiesKHR *p, int which) {
  switch (which) {
  case 0: return (uint32_t)p->AType;
  case 1: return (uint32_t)p->BType;
  case 2: return (uint32_t)p->CType;
  default: return (uint32_t)p->ResultType;
  }
}
static inline uint32_t pumice_matrix_scope(const VkCooperativeMatrixPropertiesKHR *p) { return (uint32_t)p->scope; }
